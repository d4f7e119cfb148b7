"""Every service has a colour of its own, as long as there are enough."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quacktrace_dashboard.palette import SLOT_COUNT, assign_slots, service_colour

names = st.text(st.characters(codec="utf-8"))


@given(st.sets(names, max_size=SLOT_COUNT))
def test_no_two_services_share_a_colour_while_one_is_free(services: set[str]) -> None:
    slots = assign_slots(services)
    assert len(set(slots.values())) == len(services)


@given(st.lists(names, max_size=40))
def test_the_order_of_services_does_not_matter(services: list[str]) -> None:
    slots = assign_slots(services)
    assert assign_slots(reversed(services)) == slots
    assert all(0 <= slot < SLOT_COUNT for slot in slots.values())


def test_a_service_nobody_assigned_has_the_colour_of_its_name() -> None:
    assert service_colour("cart", {}) == f"var(--qt-service-{assign_slots(['cart'])['cart']})"
