"""GeoJSON (RFC 7946) by the rules of https://geojson.org/schema/GeoJSON.json, to which ninjs refers."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, StrictStr
from typing_extensions import TypedDict

from shared.ninjs.types import Number, open_

Position = Annotated[list[Number], Field(min_length=2)]
Line = Annotated[list[Position], Field(min_length=2)]
Ring = Annotated[list[Position], Field(min_length=4)]
Bounds = Annotated[list[Number], Field(min_length=4)]


@open_
class Point(TypedDict):
    type: Literal["Point"]
    coordinates: Position
    bbox: NotRequired[Bounds]


@open_
class LineString(TypedDict):
    type: Literal["LineString"]
    coordinates: Line
    bbox: NotRequired[Bounds]


@open_
class Polygon(TypedDict):
    type: Literal["Polygon"]
    coordinates: list[Ring]
    bbox: NotRequired[Bounds]


@open_
class MultiPoint(TypedDict):
    type: Literal["MultiPoint"]
    coordinates: list[Position]
    bbox: NotRequired[Bounds]


@open_
class MultiLineString(TypedDict):
    type: Literal["MultiLineString"]
    coordinates: list[Line]
    bbox: NotRequired[Bounds]


@open_
class MultiPolygon(TypedDict):
    type: Literal["MultiPolygon"]
    coordinates: list[list[Ring]]
    bbox: NotRequired[Bounds]


Shape = Annotated[
    Point | LineString | Polygon | MultiPoint | MultiLineString | MultiPolygon, Field(discriminator="type")
]


@open_
class GeometryCollection(TypedDict):
    type: Literal["GeometryCollection"]
    geometries: list[Shape]
    bbox: NotRequired[Bounds]


Geometry = Annotated[
    Point | LineString | Polygon | MultiPoint | MultiLineString | MultiPolygon | GeometryCollection,
    Field(discriminator="type"),
]


@open_
class Feature(TypedDict):
    type: Literal["Feature"]
    properties: dict[str, Any] | None
    geometry: Geometry | None
    id: NotRequired[StrictStr | Number]
    bbox: NotRequired[Bounds]


@open_
class FeatureCollection(TypedDict):
    type: Literal["FeatureCollection"]
    features: list[Feature]
    bbox: NotRequired[Bounds]


GeoJSON = Annotated[
    Point
    | LineString
    | Polygon
    | MultiPoint
    | MultiLineString
    | MultiPolygon
    | GeometryCollection
    | Feature
    | FeatureCollection,
    Field(discriminator="type"),
]
