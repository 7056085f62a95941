"""What opening a study loads."""

import subprocess
import sys


def test_the_store_opens_without_pandas_and_leaves_it_to_others() -> None:
    code = "import sys, samples.store; assert not [m for m in sys.modules if 'pandas' in m]"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pandas_that_was_there_stays() -> None:
    code = (
        "import sys, types; sys.modules['pandas'] = there = types.SimpleNamespace(Timestamp=int);"
        "import samples.store; assert sys.modules['pandas'] is there"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
