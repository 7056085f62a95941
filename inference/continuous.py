"""The library's continuous batching: on a GPU, paged keys and values and no idle rows."""

import logging
from collections.abc import Iterator, Sequence

from transformers import GenerationConfig
from transformers.generation.configuration_utils import ContinuousBatchingConfig

from inference.decoding import LocalModel, Made, Prompt, rows_that_fit
from inference.engine import Sampling

logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)  # it errs by our results
MOST_AT_ONCE = 512  # tokens of one pass, where the library cannot ask the device


def continuous(local: LocalModel, prompts: Sequence[Prompt], sampling: Sampling) -> Iterator[Made]:
    """Rows as they finish. The library draws for the whole batch from one seed.

    So a drawn text depends on what else is under way, and a run that was interrupted draws
    other texts for what is left than an uninterrupted one.
    """
    config = GenerationConfig(
        max_new_tokens=sampling.max_tokens,
        do_sample=sampling.temperature > 0,
        temperature=sampling.temperature or 1.0,
        top_p=sampling.top_p,
        top_k=0,
        eos_token_id=sorted(local.ends),
        pad_token_id=min(local.ends),
    )
    how = ContinuousBatchingConfig(max_requests_per_batch=local.batch_size, seed=sampling.seed)
    if local.device.type != "cuda":  # the library would take most of the machine's memory
        room = max(len(prompt.tokens) for prompt in prompts) + sampling.max_tokens
        rows = min(rows_that_fit(local, room), len(prompts))
        how.num_blocks = rows * (room // how.page_size + 1)
        how.max_batch_tokens = max(MOST_AT_ONCE, rows)
    waiting = {str(prompt.index): prompt for prompt in prompts}
    local.model.set_attn_implementation("sdpa")
    with local.model.continuous_batching_context_manager(
        generation_config=config, continuous_batching_config=how, timeout=10
    ) as manager:
        for name, prompt in waiting.items():
            manager.add_request(prompt.tokens, request_id=name)
        while waiting:
            result = manager.get_result(timeout=1)
            if result is None:
                if not manager.is_running():
                    raise _fault(manager)
            elif result.error is not None:
                raise RuntimeError(result.error)
            elif result.is_finished():
                start, end = result.lifespan
                yield Made(waiting.pop(result.request_id), result.generated_tokens, end - start)


def _fault(manager: object) -> RuntimeError:
    """What ended the library's thread, in its own words: running out of memory among them."""
    error = manager.background_thread_status.fatal_error  # type: ignore[attr-defined]
    return RuntimeError(f"continuous batching stopped: {error}")
