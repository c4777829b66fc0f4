"""A genuine Kafka of the tests' own, started when the first of them wants it.

Where Java (or Maven, for the jars) is missing, the tests fail where everything has to
run (CI) and are skipped, which the summary tells, elsewhere.
"""

import os

import pytest

from tools.kafka import missing

LACKING = missing()
MISSING = f"without {LACKING} there is no broker: the Kafka relay is NOT tested"
needs_kafka = pytest.mark.skipif(
    LACKING is not None and not os.environ.get("CI"), reason=MISSING
)
