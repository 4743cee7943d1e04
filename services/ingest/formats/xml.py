"""XML from strangers: no DTD, no entities, no network, bounded in depth and size. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lxml import etree

from shared.http.problems import Problem

_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_DECLARED_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._:\-]{1,40})[\"']")
# Encodings in which markup is written as in ASCII, or UTF-16: in others a DOCTYPE could hide.
_ENCODING = re.compile(
    rb"(?i)utf-?8|utf-?16(?:le|be)?|us-ascii|ascii|iso-?8859-?\d{1,2}|windows-125\d|latin-?1"
)
_DOCTYPE = re.compile(rb"<\x00?!\x00?[Dd]\x00?[Oo]\x00?[Cc]\x00?[Tt]\x00?[Yy]\x00?[Pp]\x00?[Ee]")


@dataclass(frozen=True, slots=True)
class XmlDocument:
    root: etree._Element


def is_xml(body: bytes) -> bool:
    """Whether the body is meant as XML: no JSON starts with an angle bracket."""
    if body.startswith((b"\xff\xfe<\x00", b"\xfe\xff\x00<", b"<\x00?\x00", b"\x00<\x00?")):
        return True
    return body.removeprefix(_BOMS[0])[:1_000].lstrip(b" \t\r\n").startswith(b"<")


def parse_xml(body: bytes) -> XmlDocument:
    """Return the document. Raises a 400 Problem that says where it goes wrong, or what of it is not taken."""
    declared = _DECLARED_ENCODING.search(body[:400])
    if declared is not None and not _ENCODING.fullmatch(declared[1]):
        detail = f"XML in {declared[1].decode()} is not taken: send it as UTF-8."
        raise Problem(400, "invalid-xml", detail)
    if _DOCTYPE.search(body):
        raise _doctype()
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body.lstrip(b" \t\r\n"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Problem(400, "invalid-xml", f"The body is not XML: {str(error)[:200]}.") from None
    if root.getroottree().docinfo.doctype:
        raise _doctype()
    return XmlDocument(root)


def _doctype() -> Problem:
    detail = "XML with a DOCTYPE is not taken, for its entities could be a bomb: send it without."
    return Problem(400, "invalid-xml", detail)
