"""What RSS and Atom share in writing XML. Pure."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

TOPIC_SCHEME = "http://cv.iptc.org/newscodes/mediatopic/"
MEDIA_NAMESPACE = "http://search.yahoo.com/mrss/"


def add(parent: Element, name: str, text: str | None = None, **attributes: str | None) -> Element:
    """Add an element; a trailing underscore of an attribute's name goes, one that is None is left out.

    Text and attributes are escaped when the tree is written: here they are as they are.
    """
    given = {
        key.rstrip("_").replace("__", ":"): value for key, value in attributes.items() if value is not None
    }
    element = SubElement(parent, name, given)
    element.text = text
    return element


def document(root: Element) -> bytes:
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
