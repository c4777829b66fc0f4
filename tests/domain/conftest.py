"""Pure tests: no database, no clock, no network."""

import pytest

pytest.register_assert_rewrite("tests.scenario", "tests.domain.histories")
