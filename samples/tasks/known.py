"""The tasks that have a name. One that is a table of a common kind is a line here, and no code."""

from samples.tasks.task import GENERATED, WRITTEN, Columns, Task

ONE_FILE = "{split}-00000-of-00001.parquet"
CONVERTED = "refs/convert/parquet"  # the hub's own copy, where a dataset's files are not rows

# The forms that several multiple-choice datasets come in: on the hub, as officially published
# ("question": {"stem", "choices": [{"label", "text"}]}), and as one string of LLM-Adapters.
OFFICIAL: Columns = {
    "question": "question.stem",
    "choices": "question.choices",
    "answer": "answerKey",
}
ONE_STRING: Columns = {
    "question": "instruction",
    "choices": "instruction",  # they stand in the question
    "answer": "answer",
    "official": "answerKey",  # of the file that answer_key names
}
CHOICES: tuple[Columns, ...] = ({"answer": "answerKey"}, OFFICIAL, ONE_STRING)


def _sorting(length: int, sign: str, size: int = 100) -> Task:
    return Task(
        title=f"Sorting {length} {sign} numbers",
        answer_type="sequence",
        split="seeded",
        size=size,
        licence="none needed",
        source=GENERATED,
        load="samples.tasks.sorting:load",
        options=("size",),
    )


def _embedded(title: str, answer_type: str, source: str, size: int, loader: str) -> Task:
    return Task(title, answer_type, "demo", size, "Apache-2.0", source, f"samples.tasks.{loader}")


TASKS: dict[str, Task] = {
    "gsm8k": Task(
        title="GSM8K: grade-school word problems",
        answer_type="number",
        split="test",
        size=1319,
        licence="MIT",
        source="openai/gsm8k",
        kind="math",
        file=f"main/{ONE_FILE}",
        train="train",
        settings={"after": "####"},
    ),
    "gsm-plus": Task(
        title="GSM-Plus: GSM8K changed in eight ways",
        answer_type="number",
        split="testmini",  # "test" has 10,552
        size=2400,
        licence="CC BY-SA 4.0",
        source="qintongli/GSM-Plus",
        kind="math",
        file="data/{split}-00000-of-00001.jsonl",
        shapes=({"rationale": "solution", "meta": ["perturbation_type", "seed_question"]},),
    ),
    "svamp": Task(
        title="SVAMP: word problems, one step",
        answer_type="number",
        split="test",
        size=300,  # of 1,000; the hub calls the other 700 train
        licence="MIT",
        source="ChilleD/SVAMP",
        kind="math",
        file=f"data/{ONE_FILE}",
        train="train",
        shapes=(
            {"question": ["Body", "Question"], "answer": "Answer", "key": "ID", "meta": ["Type"]},
        ),
    ),
    "multiarith": Task(
        title="MultiArith: word problems, two steps",
        answer_type="number",
        split="test",
        size=180,
        licence="not stated",
        source="ChilleD/MultiArith",
        kind="math",
        file="default/{split}/0000.parquet",
        revision=CONVERTED,
        train="train",
        shapes=({"answer": "final_ans"}, {"question": "input", "answer": "target"}),
    ),
    "math-500": Task(
        title="MATH-500: competition problems",
        answer_type="math",
        split="test",
        size=500,
        licence="MIT",
        source="HuggingFaceH4/MATH-500",
        kind="math",
        file="{split}.jsonl",
        shapes=(
            {
                "question": "problem",
                "rationale": "solution",
                "key": "unique_id",
                "meta": ["subject", "level"],
            },
        ),
        settings={"answer_type": "math"},
    ),
    "arc-easy": Task(
        title="ARC-Easy: science questions",
        answer_type="choice",
        split="test",
        size=2376,
        licence="CC BY-SA 4.0",
        source="allenai/ai2_arc",
        kind="choice",
        file=f"ARC-Easy/{ONE_FILE}",
        train="train",
        shapes=CHOICES,
    ),
    "arc-challenge": Task(
        title="ARC-Challenge: science questions",
        answer_type="choice",
        split="test",
        size=1172,
        licence="CC BY-SA 4.0",
        source="allenai/ai2_arc",
        kind="choice",
        file=f"ARC-Challenge/{ONE_FILE}",
        train="train",
        shapes=CHOICES,
    ),
    "commonsenseqa": Task(
        title="CommonsenseQA: everyday knowledge",
        answer_type="choice",
        split="validation",
        size=1221,
        licence="MIT",
        source="tau/commonsense_qa",
        kind="choice",
        file=f"data/{ONE_FILE}",
        train="train",
        shapes=CHOICES,
    ),
    "openbookqa": Task(
        title="OpenBookQA: science, two steps",
        answer_type="choice",
        split="test",
        size=500,
        licence="not stated",
        source="allenai/openbookqa",
        kind="choice",
        file=f"main/{ONE_FILE}",
        train="train",
        shapes=({"question": "question_stem", "answer": "answerKey"}, OFFICIAL, ONE_STRING),
    ),
    "winogrande": Task(
        title="WinoGrande: who or what is meant",
        answer_type="choice",
        split="validation",
        size=1267,
        licence="CC BY 2.0",
        source="allenai/winogrande",
        kind="choice",
        file=f"winogrande_xl/{ONE_FILE}",
        train="train",
        shapes=({"question": "sentence", "choices": ["option1", "option2"]}, ONE_STRING),
        settings={"lead": "Which option fills the blank _ in this sentence?"},
    ),
    "aqua": Task(
        title="AQuA-RAT: algebra, five options",
        answer_type="choice",
        split="test",
        size=254,
        licence="Apache-2.0",
        source="deepmind/aqua_rat",
        kind="choice",
        file=f"raw/{ONE_FILE}",
        train="train",
        shapes=({"choices": "options", "answer": "correct"},),
    ),
    "strategyqa": Task(
        title="StrategyQA: yes or no, several steps",
        answer_type="yesno",
        split="test",
        size=687,
        licence="MIT",
        source="ChilleD/StrategyQA",
        kind="yesno",
        file="{split}.json",
        train="train",
        shapes=(
            {"key": "qid", "rationale": "facts"},
            {"question": "input", "answer": "target_scores", "rationale": "target"},  # BIG-bench
        ),
    ),
    "mr-gsm8k": Task(
        title="MR-GSM8K: find the wrong step",
        answer_type="critique",
        split="test",
        size=3000,
        licence="Apache-2.0",
        source="Randolphzeng/Mr-GSM8K",
        kind="critique",
        file="{split}.csv",
        shapes=(
            {
                "steps": "model_output_steps",
                "correctness": "model_output_solution_correctness",
                "wrong_step": "model_output_solution_first_error_step",
                "reason": "model_output_solution_first_error_reason",
                "key": "uuid",
                "meta": ["question_type"],
            },
        ),
    ),
    "mr-ben": Task(
        title="MR-Ben: find the wrong step, seven subjects",
        answer_type="critique",
        split="train",  # all there is
        size=5975,
        licence="MIT",
        source="Randolphzeng/Mr-Ben",
        kind="critique",
        file="default/{split}/0000.parquet",
        revision=CONVERTED,
        shapes=(
            {
                "question": "Question",
                "options": "Options",
                "steps": "Model_Solution_Steps",
                "correctness": "Model_Solution_Correctness",
                "wrong_step": "Model_Solution_First_Error_Step",
                "reason": "Model_Solution_Error_Reason",
                "key": ["Question_UUID", "Sampled_Model"],
                "meta": ["Sampled_Model", "Subject"],
            },
        ),
    ),
    "sort8-positive": _sorting(8, "positive"),
    "sort8-mixed": _sorting(8, "mixed"),
    "sort16-positive": _sorting(16, "positive"),
    "sort16-mixed": _sorting(16, "mixed"),
    "sort32-positive": _sorting(32, "positive"),
    "sort32-mixed": _sorting(32, "mixed"),
    "sums": _embedded("One-digit sums", "number", GENERATED, 50, "embedded:sums"),
    "word-problems": _embedded(
        "One-step word problems", "number", GENERATED, 50, "embedded:word_problems"
    ),
    "words": _embedded(
        "Capitals, opposites, first letters", "text", WRITTEN, 120, "embedded:words"
    ),
    "facts": _embedded("Plain facts, four choices", "choice", WRITTEN, 50, "embedded:facts"),
    "sort3": _sorting(3, "small", size=40),
}
