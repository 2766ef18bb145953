"""Addresses, as people type them."""

from __future__ import annotations

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field

from beffroi.api import shapes
from beffroi.api.door import Entered, door
from beffroi.api.openapi import answers
from beffroi.api.paging import answer, check_known
from beffroi.kernel.people.types import Kind, Verb
from beffroi.kernel.places import queries

router = Router(tags=["places"])


class AddressesAsked(Schema):
    """What is sought."""

    text: str = Field(
        min_length=1, max_length=200, description="`12 rue monge dijon`; accents and order do not matter."
    )
    limit: int = Field(10, ge=1, le=queries.MAX_LIMIT, description="How many at most.")


@router.get("/addresses", auth=door(Verb.SEARCH, Kind.PLACE), **answers(shapes.Addresses))
def search_addresses(request: Entered, asked: Query[AddressesAsked]) -> HttpResponse:
    """Find addresses, the best first."""
    check_known(request, AddressesAsked)
    found = queries.search_addresses(asked.text, asked.limit)
    items = [shapes.Address(each.text, each.number, each.street, each.commune, each.lon, each.lat) for each in found]
    return answer(shapes.Addresses(items))
