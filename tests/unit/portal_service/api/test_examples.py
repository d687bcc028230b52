"""Each operation with a route has an example, and each example is what the API accepts and answers."""

import pytest

from lockbox.contracts import wire
from lockbox.contracts.calls import RestRoute
from lockbox.contracts.registry import OPERATIONS, Operation
from portal_service.api.examples import EXAMPLES
from portal_service.api.messages import Input
from portal_service.api.routes import SPECIAL
from portal_service.api.special import Special

ROUTES = [(operation, route) for operation in OPERATIONS for route in operation.routes]


def test_examples_when_counted_are_one_for_each_operation_with_a_route() -> None:
    assert set(EXAMPLES) == {operation for operation in OPERATIONS if operation.routes}


@pytest.mark.parametrize(("operation", "route"), ROUTES)
def test_body_when_read_is_accepted(operation: Operation, route: RestRoute) -> None:
    given, special = Input(operation, route), SPECIAL.get(operation, Special())
    arguments = special.arguments or given.arguments
    if arguments is None or given.location == "query":
        assert EXAMPLES[operation].body == {}
    else:
        assert wire.decode(arguments, dict(EXAMPLES[operation].body))


@pytest.mark.parametrize("operation", EXAMPLES)
def test_answer_when_read_is_one_of_the_operation(operation: Operation) -> None:
    answer = SPECIAL.get(operation, Special()).answer or operation.answer
    document = wire.encode(EXAMPLES[operation].answer, answer)
    assert wire.encode(wire.decode(answer, document), answer) == document
