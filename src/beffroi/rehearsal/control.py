"""The simulated city's own HTTP, on the loopback alone: the buses' feed, and the switches that make equipment fail."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from beffroi.connectors.gtfs_rt.wire import VehiclePosition, encode_vehicle_positions
from beffroi.foundation.clock import SECOND, Clock, to_rfc3339
from beffroi.foundation.errors import BeffroiError, Malformed, Misconfigured, NotFound
from beffroi.rehearsal.director import Director, Failure
from beffroi.rehearsal.equipment.buses import Buses, BusPosition
from beffroi.rehearsal.scenario import load_scenario

FEED_PATH = "/gtfs-rt/vehicle-positions.pb"
MAX_BODY = 4_096
NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


class FailOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to make fail: without `asset` one is drawn, without `lasts_s` it lasts until repaired."""

    kind: str
    asset: str | None = None
    lasts_s: float | None = None


class RepairOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to repair."""

    asset: str


class ScenarioOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to play: the name of one of the scenarios that come with the city."""

    name: str


Order = TypeVar("Order", FailOrder, RepairOrder, ScenarioOrder)


def control_app(director: Director, buses: Buses | None, clock: Clock) -> Starlette:
    """Return the application. Orders must be JSON by their content type, which no page of another site may send."""

    async def feed(request: Request) -> Response:
        now = clock()
        vehicles = map(vehicle_position, buses.positions(now) if buses is not None else ())
        payload = encode_vehicle_positions(observed_at=now, vehicles=vehicles)
        return Response(payload, media_type="application/x-protobuf")

    async def fail(request: Request) -> Response:
        order = await _order(request, FailOrder)
        return JSONResponse(_shown(director.fail(order.kind, order.asset, clock(), order.lasts_s)), 201)

    async def repair(request: Request) -> Response:
        order = await _order(request, RepairOrder)
        return JSONResponse(_shown(director.repair(order.asset, clock())))

    async def scenario(request: Request) -> Response:
        order = await _order(request, ScenarioOrder)
        if not NAME.fullmatch(order.name):
            raise Malformed(f"{order.name[:60]!r} is no scenario's name")
        try:
            played = load_scenario(order.name)
        except Misconfigured as error:
            raise NotFound(error.reason) from error
        return JSONResponse({"title": played.title, "failures": director.play(played, clock())}, 201)

    async def failures(request: Request) -> Response:
        under_way = [_shown(failure) for failure in director.failures()]
        return JSONResponse({"items": under_way, "kinds": director.kinds()})

    async def live(request: Request) -> Response:
        return JSONResponse({"live": True})

    return Starlette(
        routes=[
            Route(FEED_PATH, feed),
            Route("/rehearsal/fail", fail, methods=["POST"]),
            Route("/rehearsal/repair", repair, methods=["POST"]),
            Route("/rehearsal/scenario", scenario, methods=["POST"]),
            Route("/rehearsal/failures", failures),
            Route("/health/live", live),
        ],
        exception_handlers={BeffroiError: _problem},
    )


def vehicle_position(bus: BusPosition) -> VehiclePosition:
    """Return a bus as the standard writes it: metres a second, whole seconds."""
    (longitude, latitude), speed_kmh, heading_deg = bus.where
    return VehiclePosition(
        entity_id=bus.address,
        vehicle_id=bus.address,
        label=bus.label,
        route_id=bus.line,
        latitude=latitude,
        longitude=longitude,
        bearing=heading_deg,
        speed=speed_kmh / 3.6,
        timestamp=bus.observed_at // SECOND,
    )


async def _order(request: Request, kind: type[Order]) -> Order:
    """Read an order from a request. Raises Malformed."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise Malformed("orders are JSON: say so with `Content-Type: application/json`")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise Malformed(f"the order is larger than {MAX_BODY} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not an order: {error}") from error


def _shown(failure: Failure) -> dict[str, Any]:
    return {
        "kind": failure.kind,
        "asset": failure.asset,
        "began_at": to_rfc3339(failure.began_at),
        "ends_at": None if failure.ends_at is None else to_rfc3339(failure.ends_at),
    }


async def _problem(request: Request, error: Exception) -> Response:
    """Answer with problem details (RFC 9457)."""
    if not isinstance(error, BeffroiError):
        raise error
    content = {"type": f"urn:beffroi:{error.key}", "title": error.key, "status": error.status, "detail": error.reason}
    return JSONResponse(content, error.status, media_type="application/problem+json")
