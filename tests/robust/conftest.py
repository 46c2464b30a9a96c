import pytest
from real_house import House, make_source


@pytest.fixture
def open_house(tmp_path):
    """Start daemons; whatever is left of them ends with the test."""
    opened = []

    def open_(home=None, **settings):
        house = House(home or tmp_path / f"home{len(opened)}", **settings)
        opened.append(house)
        return house.start()

    yield open_
    for house in opened:
        house.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One daemon for all tests of a file, which therefore name their jobs apart."""
    shared = House(tmp_path_factory.mktemp("shared") / "home").start()
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def source(tmp_path_factory):
    return str(make_source(tmp_path_factory.mktemp("audio") / "source.wav"))
