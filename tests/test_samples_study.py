"""The study file: what is right loads with its defaults, what is wrong is one line that helps."""

from dataclasses import replace
from pathlib import Path

import pytest

import samples.study as study_module
from samples.errors import BenchwarrantError
from samples.study import RuleBlock, catalogue, load_study

EXAMPLE = """
name = "thinkslm-audit"
seed = 7

[rubric]
name = "final-answer"
question = "Is the final answer correct?"
labels = ["incorrect", "correct"]      # ordered; the last is the positive one
guidance = "guidance.md"               # its text is part of the rubric's identity

[[task]]
name = "gsm8k"
path = "data/gsm8k_test.jsonl"         # or the Hugging Face hub when no path is given
limit = 200

[[model]]
name = "smollm2-135m"
engine = "hf"
model = "HuggingFaceTB/SmolLM2-135M-Instruct"
strategies = ["direct", "cot"]
draws = 3
sampling = { temperature = 0.7, top_p = 0.9, max_tokens = 512, seed = 0 }

[[judge]]
name = "rules"
kind = "auto"                          # the exact check that fits the task's answer type

[[judge]]
name = "gpt-4o"
kind = "llm"
engine = "openai"
model = "gpt-4o-2024-11-20"
prompt = "prompts/reference_graded.txt"

[audit]
size = 1000
strata = ["task", "model"]
allocation = "equal"                   # proportional | equal | neyman
raters_per_case = 2
overlap = 0.3                          # share of cases that get raters_per_case raters

[policy]
confidence = 0.95
scope = "these models"                 # | "new models"
failures = "count_as_wrong"

[[policy.rule]]
statistic = "cohen_kappa"
bound = "low"                          # the interval's lower end, never the point
at_least = 0.80

[[policy.rule]]
statistic = "spearman"
level = "ranking"                      # case | ranking
bound = "low"
at_least = 0.90

[[policy.rule]]
statistic = "leniency"                 # judge's share of 'correct' minus people's, worst model
per = "model"
bound = "both"
within = 0.05
"""


@pytest.fixture
def write(tmp_path):
    """Write a study file into a folder of its own and return its path."""
    path = tmp_path / "study.toml"

    def written(text: str | bytes) -> Path:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return written


def message(path: Path) -> str:
    with pytest.raises(BenchwarrantError) as error:
        load_study(path)
    text = str(error.value)
    assert "\n" not in text
    assert str(path) in text
    return text.replace(str(path), "study.toml")


def test_the_documented_example_loads_as_written(write, tmp_path, monkeypatch):
    (tmp_path / "guidance.md").write_text("Read the last line. Größe zählt.", encoding="utf-8")
    (tmp_path / "prompts").mkdir()
    (tmp_path / "prompts" / "reference_graded.txt").write_text("Grade {answer}")
    path = write(EXAMPLE)
    monkeypatch.chdir("/")  # its paths start from its own folder, wherever the command is run
    study = load_study(path)

    assert study.rater_question.labels == ("incorrect", "correct")
    assert study.rater_question.positive == "correct"
    assert study.rater_question.guidance == "Read the last line. Größe zählt."
    assert study.at(study.task[0].path) == tmp_path / "data" / "gsm8k_test.jsonl"
    assert study.at(study.database) == tmp_path / "study.db"
    assert study.text(study.judge[1].prompt, "prompt of gpt-4o") == "Grade {answer}"
    model = study.model[0]
    assert (model.strategies, model.draws, model.dtype) == (["direct", "cot"], 3, "auto")
    assert (model.sampling.temperature, model.sampling.stop) == (0.7, [])
    kappa, ranking, leniency = study.policy.rule
    assert (kappa.level, kappa.at_least, kappa.at_most) == ("case", 0.80, None)
    assert (ranking.level, ranking.per) == ("ranking", None)
    assert (leniency.per, leniency.bound, leniency.within) == ("model", "both", 0.05)


def test_a_name_is_all_that_a_study_of_imported_rows_needs(write):
    study = load_study(write('name = "bare"'))
    assert (study.task, study.model, study.judge, study.policy.rule) == ([], [], [], [])
    assert study.rater_question.labels == ("incorrect", "correct")


def test_the_guidances_text_is_part_of_the_rubrics_identity(write, tmp_path):
    study = load_study(write('name = "s"\n[rubric]\nguidance = "guidance.md"'))
    (tmp_path / "guidance.md").write_text("first wording")
    before = study.rater_question
    (tmp_path / "guidance.md").write_text("second wording")
    assert study.rater_question.id != before.id
    assert replace(study.rater_question, guidance="first wording").id == before.id


def test_a_file_that_the_study_names_and_that_cannot_be_read(write, tmp_path):
    study = load_study(write('name = "s"\n[rubric]\nguidance = "guidance.md"'))
    missing = f"rubric.guidance: cannot read {tmp_path}/guidance.md: No such file or directory"
    with pytest.raises(BenchwarrantError, match=missing):
        _ = study.rater_question
    (tmp_path / "guidance.md").write_bytes(b"\xff")
    with pytest.raises(BenchwarrantError, match=r"guidance\.md: not UTF-8 text"):
        _ = study.rater_question


def test_a_home_folder_may_be_meant(write, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    assert load_study(write('name = "s"')).at("~/runs/x.db") == Path("/home/ada/runs/x.db")


NAME = 'name = "s"\n'
MODEL = NAME + '[[model]]\nname = "m"\nmodel = "x"\n'
LLM = 'kind = "llm"\nengine = "openai"\nmodel = "m"\nprompt = "p"\n'
JUDGE = NAME + '[[judge]]\nname = "j"\n'
PRICE = '[[price]]\nmodel = "gpt-x"\n'
PANEL = JUDGE + 'kind = "auto"\n[[judge]]\nname = "k"\nkind = "exact"\n[[judge]]\n'
PANEL += 'name = "p"\nkind = "panel"\n'
RULE = NAME + '[[policy.rule]]\nstatistic = "mcc"\n'
MODEL_KEYS = (
    "compression, draws, dtype, engine, from, model, name, options, parent, revision, run,"
    " sampling, strategies"
)


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        ("", "missing key 'name'"),
        ('name = ""', "name: String should have at least 1 character"),
        ('nam = "s"', "unknown key 'nam'; did you mean 'name'? (and 1 more)"),
        (NAME + "sed = 1", "unknown key 'sed'; did you mean 'seed'?"),
        # blocks
        (NAME + 'rubric = "x"', "rubric: expected a block of keys and values"),
        (
            NAME + '[model]\nname = "m"',
            "model: expected a list, […], or blocks with two brackets, [[…]]",
        ),
        (NAME + 'task = ["gsm8k"]', "task 1: expected a block of keys and values"),
        (NAME + '[[task]]\npath = "x"', "[[task]] 1: missing key 'name'"),
        (NAME + '[[model]]\nname = "m"', "[[model]] m: missing key 'model'"),
        (
            NAME + '[[model]]\nname = ["m"]\nmodel = "x"',
            "[[model]] 1 name: Input should be a valid string",
        ),
        (MODEL + MODEL.removeprefix(NAME), "two [[model]] blocks have the name 'm'"),
        (MODEL + "temperature = 0", f"[[model]] m: unknown key 'temperature'; known: {MODEL_KEYS}"),
        (
            MODEL + "sampling = { temprature = 0 }",
            "[[model]] m sampling: unknown key 'temprature'; did you mean 'temperature'?",
        ),
        (
            MODEL + "sampling = { temperature = -1 }",
            "[[model]] m sampling temperature: Input should be greater than or equal to 0",
        ),
        (MODEL + "draws = 0", "[[model]] m draws: Input should be greater than or equal to 1"),
        (MODEL + 'parent = "mm"', "[[model]] m: no parent 'mm'; did you mean 'm'?"),
        # rubric
        (
            NAME + '[rubric]\nlabel = ["a", "b"]',
            "rubric: unknown key 'label'; did you mean 'labels'?",
        ),
        (
            NAME + '[rubric]\nlabels = ["a"]',
            "rubric labels: List should have at least 2 items after validation, not 1",
        ),
        (NAME + '[rubric]\nlabels = ["a", 1]', "rubric labels 2: Input should be a valid string"),
        (
            NAME + '[rubric]\nlabels = ["a", "a"]',
            "rubric labels: labels must be different and not empty",
        ),
        (
            NAME + '[rubric]\nlabels = ["a", " "]',
            "rubric labels: labels must be different and not empty",
        ),
        (
            NAME + f"[rubric]\nlabels = {[str(n) for n in range(10)]}",
            "rubric labels: at most 9 labels: each has a digit as its key",
        ),
        # judges
        (JUDGE, "[[judge]] j: missing key 'kind'"),
        (
            JUDGE + 'kind = "llm"\nengine = "hf"',
            "[[judge]] j: a judge of kind 'llm' needs model, prompt",
        ),
        (
            JUDGE + 'kind = "auto"\nanswer = "json"',
            '[[judge]] j: answer is of judges of kind "llm"; leave it out',
        ),
        (
            JUDGE + LLM + 'answer = "jsn"',
            "[[judge]] j answer: Input should be 'text', 'json' or 'score'",
        ),
        (
            JUDGE + LLM + 'answer = "score"\nsampling = { max_tokens = 9 }',
            '[[judge]] j: answer = "score" draws no text; leave sampling out',
        ),
        (JUDGE + 'kind = "constant"', "[[judge]] j: a judge of kind 'constant' needs value"),
        (
            JUDGE + 'kind = "constant"\nvalue = "corect"',
            "[[judge]] j: no label 'corect'; did you mean 'correct'?",
        ),
        (
            JUDGE + 'kind = "auto"\nrepeats = 2',
            "[[judge]] j: repeats goes with kind \"llm\": 'auto' would repeat itself",
        ),
        (
            JUDGE + LLM.replace("openai", "hf") + "batch = true",
            '[[judge]] j: batch = true is for llm judges with engine "anthropic" or "openai"; leave'
            " it out",
        ),
        (
            JUDGE + 'kind = "auto"\nbatch = true',
            '[[judge]] j: batch = true is for llm judges with engine "anthropic" or "openai"; leave'
            " it out",
        ),
        (
            JUDGE + LLM + 'answer = "score"\noptions = { decisions = true }\nbatch = true',
            "[[judge]] j: decisions are not made by batch; leave out batch or decisions",
        ),
        (
            PANEL + 'how = "majority"\nmembers = ["j", "k"]\nbatch = true',
            "[[judge]] p: a panel asks nobody itself; set batch = true in its members' blocks",
        ),
        (PANEL + 'members = ["j"]', "[[judge]] p: a judge of kind 'panel' needs how"),
        (PANEL + 'how = "majority"', "[[judge]] p: a judge of kind 'panel' needs members"),
        (
            PANEL + 'how = "cascade"\nmembers = ["j"]',
            "[[judge]] p: a panel has at least two members, each of them once",
        ),
        (
            PANEL + 'how = "cascade"\nmembers = ["j", "k", "j"]',
            "[[judge]] p: a panel has at least two members, each of them once",
        ),
        (
            PANEL + 'how = "cascade"\nmembers = ["j", "kk"]',
            "[[judge]] p: no judge 'kk'; did you mean 'k'?",
        ),
        (
            PANEL + 'how = "cascade"\nmembers = ["j", "p"]',
            "[[judge]] p: 'p' is a panel, and a panel's members are single judges; name its members"
            " instead",
        ),
        (
            PANEL.replace('"auto"', '"auto"\nno_answer = "incorrect"')
            + 'how = "cascade"\nmembers = ["j", "k"]',
            "[[judge]] p: 'j' never fails, so nobody after it would be asked; name one without"
            " no_answer or value",
        ),
        (
            PANEL + 'how = "majority"\nmembers = ["j", "k"]\nweights = { j = 0.9, k = 0.8 }',
            '[[judge]] p: weights go with how = "weighted", and only with it',
        ),
        (
            PANEL + 'how = "weighted"\nmembers = ["j", "k"]',
            '[[judge]] p: weights go with how = "weighted", and only with it',
        ),
        (
            PANEL + 'how = "weighted"\nmembers = ["j", "k"]\nweights = { j = 0.9 }',
            "[[judge]] p: weights must name each member: j, k",
        ),
        (
            PANEL + 'how = "weighted"\nmembers = ["j", "k"]\nweights = { j = 0.9, k = 1.0 }',
            "[[judge]] p: the weight of 'k' is its accuracy, between 0.5 and 1, not 1",
        ),
        (
            PANEL + 'how = "weighted"\nmembers = ["j", "k"]\nweights = "measured"',
            "[[judge]] p weights: weights are numbers, member by member: taken from the labels that"
            " a warrant rests on they would have seen the test; measure accuracies on a pilot's"
            " labels",
        ),
        (
            JUDGE + 'kind = "auto"\nmembers = ["j"]',
            '[[judge]] j: members, how and weights go with kind = "panel", and only with it',
        ),
        # audit and policy
        (
            NAME + '[audit]\nallocation = "even"',
            "audit allocation: Input should be 'proportional', 'equal', 'neyman' or 'active'",
        ),
        (
            NAME + '[audit]\nsequential = true\nallocation = "active"',
            "audit: sequential = true draws questions, each as likely as any other; leave"
            " allocation out",
        ),
        (
            NAME + '[audit]\nstrata = ["task", "modle"]',
            "audit strata 2: Input should be 'task', 'model' or 'strategy'",
        ),
        (NAME + "[audit]\noverlap = 1.5", "audit overlap: Input should be less than or equal to 1"),
        (NAME + "[policy]\nconfidence = 95", "policy confidence: Input should be less than 1"),
        (
            NAME + "[[policy.rule]]\nat_least = 0.8",
            "[[policy.rule]] 1: missing key 'statistic'",
        ),
        (
            RULE + "at_lest = 0.8",
            "[[policy.rule]] 1: unknown key 'at_lest'; did you mean 'at_least'?",
        ),
        (
            RULE + "at_least = 0.8\n[[policy.rule]]\nstatistic = 'x'\nat_least = 1\nat_most = 2",
            "[[policy.rule]] 2: a rule has exactly one of at_least, at_most, within",
        ),
        (RULE, "[[policy.rule]] 1: a rule has exactly one of at_least, at_most, within"),
        (
            RULE + 'bound = "low"\nwithin = 0.1',
            '[[policy.rule]] 1: within goes with bound = "both", and only with it',
        ),
        (
            RULE + 'bound = "both"\nat_least = 0.1',
            '[[policy.rule]] 1: within goes with bound = "both", and only with it',
        ),
        (
            RULE + 'at_least = 0.1\nlevel = "ranking"\nper = "model"',
            "[[policy.rule]] 1: a rule about the ranking cannot be per model or per task",
        ),
        (
            NAME + PRICE + "input = 1\noutput = 2\ncachd = 1",
            "[[price]] gpt-x: unknown key 'cachd'; did you mean 'cached'?",
        ),
        (NAME + PRICE + "input = 1", "[[price]] gpt-x: missing key 'output'"),
        (NAME + "[[price]]\ninput = 1\noutput = 2", "[[price]] 1: missing key 'model'"),
        (
            NAME + PRICE + "input = -1\noutput = 2",
            "[[price]] gpt-x input: Input should be greater than or equal to 0",
        ),
        (
            NAME + PRICE + "input = 1\noutput = inf",
            "[[price]] gpt-x output: Input should be a finite number",
        ),
        (
            NAME + PRICE + "input = 1\noutput = 2\ncached = nan",
            "[[price]] gpt-x cached: Input should be a finite number",
        ),
        (
            NAME + PRICE + "input = 1\noutput = 2\nbatch = 50",
            "[[price]] gpt-x batch: Input should be less than or equal to 1",
        ),
        (
            NAME + 2 * (PRICE + "input = 1\noutput = 2\n"),
            "two [[price]] blocks have the model 'gpt-x'",
        ),
    ],
)
def test_a_mistake_is_one_line_with_block_key_and_suggestion(write, toml, expected):
    assert message(write(toml)) == f"study.toml: {expected}"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("name = s", "study.toml is not valid TOML: Invalid value (at line 1, column 8)"),
        (
            b'name = "\xff"',
            "study.toml is not valid TOML: 'utf-8' codec can't decode byte 0xff in position 8:"
            " invalid start byte",
        ),
    ],
)
def test_a_file_that_is_not_toml(write, content, expected):
    assert message(write(content)) == expected


def test_a_study_that_is_not_there(tmp_path):
    text = message(tmp_path / "study.toml")
    assert (
        text == "study.toml does not exist; `benchwarrant init` writes one, --study names another"
    )
    assert message(tmp_path) == "cannot read study.toml: Is a directory"


@pytest.mark.parametrize(
    "toml",
    [
        'api_key = "sk-SECRET"\n' + NAME,
        NAME + "api_key = sk-SECRET",
        JUDGE + 'kind = "auto"\napi_key = "sk-SECRET"',
        JUDGE + 'kind = "auto"\napi_key_env = "sk-SECRET"',
        JUDGE + 'kind = "auto"\nrun = { api_key = "sk-SECRET" }',
        JUDGE + 'kind = "auto"\nrun = { api_key_env = "sk-SECRET" }',
        JUDGE + 'kind = "auto"\nrun = { api_key_env = "hf_SECRET" }',
        JUDGE + 'kind = "auto"\nrun = { api_key_env = ["sk-SECRET"] }',
        JUDGE + 'kind = "auto"\noptions = { api_key = "sk-SECRET" }',
        MODEL + 'options = { api_key_env = "sk-SECRET" }',
        MODEL + 'sampling = "sk-SECRET"',
    ],
)
def test_a_secret_is_refused_and_not_repeated(write, toml):
    assert "SECRET" not in message(write(toml))


def test_the_name_of_a_keys_variable_is_no_secret(write):
    study = load_study(write(MODEL + 'run = { api_key_env = "OPENAI_API_KEY", port = 8000 }'))
    assert study.model[0].run["api_key_env"] == "OPENAI_API_KEY"
    hint = "unknown key 'api_key_env'; it goes in run = { api_key_env = \"NAME\" }"
    assert message(write(MODEL + 'api_key_env = "X"')) == f"study.toml: [[model]] m: {hint}"


def test_judges_may_share_a_name_with_a_model_but_not_with_each_other(write):
    text = MODEL + '[[judge]]\nname = "m"\nkind = "auto"\n'
    assert load_study(write(text)).judge[0].name == "m"
    again = text + '[[judge]]\nname = "m"\nkind = "exact"\n'
    assert message(write(again)) == "study.toml: two [[judge]] blocks have the name 'm'"


@pytest.mark.parametrize(
    ("limit", "bound"), [("at_least", "low"), ("at_most", "high"), ("within", "both")]
)
def test_a_rule_without_bound_takes_the_strict_end(limit: str, bound: str) -> None:
    assert RuleBlock(**{"statistic": "mcc", limit: 0.1}).bound == bound


# --- models from the catalogue -------------------------------------------------------------------

INT4 = '[[model]]\nfrom = "qwen2.5-0.5b-gptq-int4"\n'
PARENT = '[[model]]\nfrom = "qwen2.5-0.5b"\n'


def test_an_entry_of_the_catalogue_is_a_whole_block(write):
    variant, parent = load_study(write(NAME + INT4 + PARENT)).model
    assert variant.name == "qwen2.5-0.5b-gptq-int4"
    assert variant.model == "Qwen/Qwen2.5-0.5B-Instruct-GPTQ-Int4"
    assert (variant.parent, variant.compression) == ("qwen2.5-0.5b", "GPTQ, 4-bit weights")
    assert (parent.name, parent.model) == ("qwen2.5-0.5b", "Qwen/Qwen2.5-0.5B-Instruct")
    assert (parent.parent, parent.compression) == (None, None)
    assert (variant.engine, variant.strategies) == ("hf", ["direct"])  # as in any block


def test_the_blocks_own_keys_stand_before_the_catalogues(write):
    own = {"name": "mine", "model": "folder", "parent": "mine", "compression": "by hand"}
    text = INT4 + "".join(f'{key} = "{value}"\n' for key, value in own.items())
    (block,) = load_study(write(NAME + text)).model
    assert {key: getattr(block, key) for key in own} == own


@pytest.mark.parametrize(
    ("others", "parent"),
    [
        ("", "qwen2.5-0.5b"),  # the parent need not be run
        (PARENT, "qwen2.5-0.5b"),
        (PARENT + 'name = "whole"\n', "whole"),
        (PARENT + 'name = "whole"\n' + PARENT + 'name = "again"\n', "whole"),
        (PARENT + 'name = "whole"\n' + PARENT, "qwen2.5-0.5b"),
        ('[[model]]\nname = "qwen2.5-0.5b"\nmodel = "folder"\n', "qwen2.5-0.5b"),
    ],
)
def test_a_parent_by_the_catalogue_is_the_block_that_stands_for_it(write, others, parent):
    assert load_study(write(NAME + INT4 + others)).model[0].parent == parent
    assert load_study(write(NAME + others + INT4)).model[-1].parent == parent


@pytest.mark.parametrize(
    ("toml", "expected"),
    [
        (
            '[[model]]\nfrom = "qwen2.5-0.5-gptq-int4"',
            "[[model]] qwen2.5-0.5-gptq-int4: the catalogue has no model 'qwen2.5-0.5-gptq-int4';"
            " did you mean 'qwen2.5-0.5b-gptq-int4'?",
        ),
        (
            '[[model]]\nname = "m"\nfrom = "?"',
            "[[model]] m: the catalogue has no model '?'; `benchwarrant models` lists it",
        ),
        (
            '[[model]]\nfrom = "phi-3-small-7b"',
            "[[model]] phi-3-small-7b: no hub id is certain for 'phi-3-small-7b'"
            " (Phi-3-small-8k-instruct or Phi-3-small-128k-instruct: the paper does not say which);"
            ' name one: model = "…"',
        ),
        ('[[model]]\nfrom = 3\nmodel = "x"\nname = "m"', "[[model]] m from: Input should be a"),
        (INT4 + "drws = 2", "[[model]] qwen2.5-0.5b-gptq-int4: unknown key 'drws'; did you mean"),
        (INT4 + 'entry = "x"', "[[model]] qwen2.5-0.5b-gptq-int4: unknown key 'entry'; known:"),
        (
            INT4 + 'parent = "qwen2.5-0.5"',
            "[[model]] qwen2.5-0.5b-gptq-int4: no parent 'qwen2.5-0.5'; did you mean",
        ),
        (  # a parent that the catalogue knows, but not as this entry's
            INT4 + 'parent = "qwen2-0.5b"',
            "[[model]] qwen2.5-0.5b-gptq-int4: no parent 'qwen2-0.5b'; did you mean",
        ),
        (
            '[[model]]\nname = "m"\nmodel = "x"\nparent = "qwen2.5-0.5b"\n' + INT4,
            "[[model]] m: no parent 'qwen2.5-0.5b'; did you mean",
        ),
        (INT4 + INT4, "two [[model]] blocks have the name 'qwen2.5-0.5b-gptq-int4'"),
    ],
)
def test_a_mistake_with_the_catalogue(write, toml, expected):
    assert message(write(NAME + toml)).startswith(f"study.toml: {expected}")


def test_a_model_without_a_certain_hub_id_takes_the_studys(write):
    text = '[[model]]\nfrom = "phi-3-small-7b"\nmodel = "microsoft/Phi-3-small-8k-instruct"'
    (block,) = load_study(write(NAME + text)).model
    assert (block.name, block.model) == ("phi-3-small-7b", "microsoft/Phi-3-small-8k-instruct")


def test_a_study_without_entries_does_not_read_the_catalogue(write):
    catalogue.cache_clear()
    load_study(write(MODEL))
    assert catalogue.cache_info().misses == 0


def test_what_the_templates_comments_propose_is_right(write):
    template = Path(study_module.__file__).with_name("templates") / "study.toml"
    text = template.read_text(encoding="utf-8")
    (line,) = [line for line in text.splitlines() if line.startswith("# from = ")]
    assert load_study(write(NAME + "[[model]]\n" + line.removeprefix("# "))).model


def test_a_price_changes_no_judge(write):
    without = load_study(write(EXAMPLE))
    study = load_study(write(EXAMPLE + PRICE + "input = 1\noutput = 2"))
    assert (without.price, study.judge) == ([], without.judge)
    (price,) = study.price
    assert (price.model, price.input, price.output) == ("gpt-x", 1, 2)
    assert price.cached is price.written is price.written_1h is price.batch is None


def test_the_price_that_the_template_shows_is_right(write):
    template = Path(study_module.__file__).with_name("templates") / "study.toml"
    block = template.read_text(encoding="utf-8").partition("# [[price]]\n")[2].partition("\n\n")[0]
    lines = ["[[price]]", *(line.removeprefix("# ") for line in block.splitlines())]
    (price,) = load_study(write(NAME + "\n".join(lines))).price
    assert (price.model, price.cached, price.batch) == ("gpt-4o-2024-11-20", 1.25, 0.5)
