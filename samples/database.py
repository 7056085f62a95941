"""sqlite-utils' Database without pandas, which sqlite-utils asks for as soon as it is imported.

Where pandas is installed, as it is with Streamlit, loading it takes longer than all the rest that
most commands load, and nothing here uses it.
"""

import sys

_UNASKED = "pandas" not in sys.modules
if _UNASKED:
    sys.modules["pandas"] = None  # type: ignore[assignment]  # an import of it is an ImportError

from sqlite_utils import Database  # noqa: E402

if _UNASKED:
    del sys.modules["pandas"]

__all__ = ["Database"]
