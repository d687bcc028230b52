import json
import socket
import stat
from pathlib import Path

import pytest

from lockbox.embedded import ports as ports_module
from lockbox.embedded.ports import BELOW_OUTGOING, PREFERRED, choose_ports


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def test_choose_ports_when_at_random_gives_each_its_own(path: Path) -> None:
    chosen = choose_ports(path, prefer=False)
    assert set(chosen) == set(PREFERRED)
    assert len(set(chosen.values())) == len(PREFERRED)
    assert not set(chosen.values()) & set(PREFERRED.values())
    assert set(chosen.values()) <= set(BELOW_OUTGOING)


@pytest.mark.parametrize("prefer", [True, False])
def test_choose_ports_when_chosen_before_keeps_them(path: Path, prefer: bool) -> None:
    chosen = choose_ports(path, prefer=False)
    assert choose_ports(path, prefer=prefer) == chosen
    assert json.loads(path.read_text()) == chosen
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_choose_ports_when_a_port_is_missing_chooses_anew(path: Path) -> None:
    path.write_text(json.dumps({"portal": 1}))
    assert set(choose_ports(path, prefer=False)) == set(PREFERRED)


def test_choose_ports_when_all_are_free_takes_the_preferred_ones(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "_free", lambda port: True)
    assert choose_ports(path) == PREFERRED


def test_choose_ports_when_one_is_taken_takes_another_for_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports_module, "_free", lambda port: port != PREFERRED["portal"])
    chosen = choose_ports(path)
    assert chosen.pop("portal") != PREFERRED["portal"]
    assert chosen == {name: port for name, port in PREFERRED.items() if name != "portal"}


def test_choose_ports_when_somebody_listens_sees_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        monkeypatch.setattr(ports_module, "PREFERRED", {"portal": port})
        assert choose_ports(path)["portal"] != port


def test_choose_ports_when_more_are_asked_for_keeps_those_chosen_before(path: Path) -> None:
    chosen = choose_ports(path, prefer=False)
    more = choose_ports(path, prefer=False, more=["audit_service", "audit_service-2"])
    assert chosen.items() <= more.items()
    assert more.keys() - chosen.keys() == {"audit_service-2"}
    assert more["audit_service-2"] not in chosen.values()
