import pytest

from tests.unit.service.rig import Rig


@pytest.fixture
def rig() -> Rig:
    return Rig()
