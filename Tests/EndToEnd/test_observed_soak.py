"""A short soak of a gateway that is observed in every way."""

import gateway
import observed_soak
import pytest
from metrics import BIND


@pytest.mark.skipif("san" in gateway.binary().split("/")[-3], reason="a sanitizer keeps what is freed")
def test_a_gateway_that_is_observed_under_load_keeps_its_memory(start_gateway):
    server = start_gateway(
        sites=[gateway.site(observed_soak.ROUTES)], extensions=["hello"], admin=BIND, log=observed_soak.LOG
    )
    _, growth = observed_soak.soak(server, 10)
    # So short a time does not tell a leak from what warms up late; the long one does.
    assert growth <= 4 * observed_soak.TOLERANCE
