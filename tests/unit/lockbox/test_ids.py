from uuid import UUID

from lockbox.ids import new_id


def test_new_id_when_made_is_a_random_uuid_in_its_canonical_form() -> None:
    made = new_id()
    assert UUID(made).version == 4
    assert str(UUID(made)) == made


def test_new_id_when_made_again_is_another() -> None:
    assert len({new_id() for _ in range(100)}) == 100
