"""What the services count of themselves, read from `/metrics`. The reading is pure."""

from __future__ import annotations

import re

import httpx2

from bench.chaos.stack import SERVICES
from bench.chaos.world import Result, World

_SAMPLE = re.compile(r"^(?P<name>[A-Za-z_:][\w:]*(?:\{[^}]*\})?) (?P<value>[-+\w.]+)$")
_TIME = re.compile(r"seconds(?:_sum)?(?:\{|$)")


def read_metrics(text: str) -> dict[str, float]:
    """Return each sample of the Prometheus text format, by its name with its labels."""
    samples = {}
    for line in text.splitlines():
        if not line.startswith("#") and (found := _SAMPLE.match(line)):
            samples[found["name"]] = float(found["value"])
    return samples


def negative_times(samples: dict[str, float]) -> list[str]:
    """Return the samples in seconds that are below zero: a wrong clock has been subtracted."""
    return [f"{name} is {value:g}" for name, value in samples.items() if _TIME.search(name) and value < 0]


async def service_metrics(world: World, service: str) -> dict[str, float]:
    """Return the samples of one service (the first of its workers), none when it does not answer."""
    async with httpx2.AsyncClient(timeout=10, trust_env=False) as client:
        try:
            response = await client.get(f"{world.stack.url(service)}/metrics")
        except httpx2.HTTPError:
            return {}
    return read_metrics(response.text) if response.is_success else {}


async def no_negative_times(world: World, result: Result, when: str) -> None:
    """A time that is counted must not be negative, whichever clock is wrong."""
    for service in SERVICES:
        samples = await service_metrics(world, service)
        result.expect(bool(samples), f"{when}, {service} showed no metrics")
        for told in negative_times(samples):
            result.failures.append(f"{when}, {service} counts a negative time: {told}")
