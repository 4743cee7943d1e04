"""What pages say that are no articles, in the words of their sites. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(patterns), re.IGNORECASE)


# A title ends there, or its site's name follows.
_END: Final = r"[ .!?…]*(?:$| [-–·]|[|:])"

# Looked for in titles, and at the beginning of pages without paragraphs.
NOT_FOUND: Final = _any_of(
    (
        r"(?:page|story|article|content|url) (?:is |was |could |can |has been )?"
        r"(?:not |cannot |could ?n[o’']t |can[’']t |was ?n[o’']t )(?:be |been )?(?:found|available|exist)\b",
        r"(?:page|story|article|content|url) (?:does(?:n[’']t| not)|no longer) exists?\b",
        rf"(?:page|story|article|content) (?:is )?(?:missing|unavailable|no longer available){_END}",
        r"(?:can[’']t|cannot|can not|couldn[’']t|could not) find (?:that|this|the|your) (?:page|article)\b",
        r"^\W*not found\b",
        # Not "410 people arrested" and not "My grandfather's Peugeot 404".
        rf"^\W*(?:404|410)(?: (?:error|not found|page not found|gone))?{_END}",
        r"(?:[-–|:] ?|\b(?:error|http|fehler|erreur|errore) ?:? ?)(?:404|410)\b",
        r"seite (?:wurde )?(?:leider )?nicht gefunden",
        r"page (?:introuvable|non trouvée|inexistante)",
        r"página no (?:encontrada|existe)",
        r"página não (?:foi )?encontrada",
        r"pagina non trovata",
        r"pagina niet gevonden",
        r"sidan (?:hittades inte|kunde inte hittas|finns inte)",
        r"siden (?:blev|ble) ikke funnet",
        r"nie znaleziono strony",
        r"страница не найдена",
        r"сторінку не знайдено",
        r"sayfa bulunamadı",
        r"页面不存在|找不到(?:网页|页面)",
        r"ページが見つかりません",
    )
)
# Looked for in all that a reader sees of a page with little text.
PAYWALL: Final = _any_of(
    (
        r"to (?:continue|keep) reading",
        r"to read the (?:full|rest of (?:this|the)) (?:article|story)",
        r"subscribe (?:now )?to (?:read|unlock|continue)",
        r"unlock this (?:article|story)",
        r"(?:only |exclusively )?(?:available |reserved )?(?:for|to) (?:our |paying |paid )?subscribers only",
        r"(?:exclusive|reserved|available only) (?:to|for) (?:our |paying |paid )?(?:subscribers|members)",
        r"subscriber[- ]only (?:article|story|content)",
        r"you(?:[’']ve| have) reached your (?:[a-z]{1,20} ){0,3}limit",
        r"réservée? (?:à nos|aux) abonnés",
        r"pour lire la suite|reste à lire",
        r"nur für abonnenten|exklusiv für (?:unsere )?abonnent",
        r"weiterlesen mit|um weiterzulesen",
        r"solo para suscriptores|suscr[ií]b(?:ete|ase) para (?:seguir|continuar)",
        r"riservato agli abbonati",
        r"exclusivo para assinantes",
        r"alleen voor abonnees",
        r"för att läsa vidare",
    )
)
# Looked for in titles.
BLOCKED: Final = _any_of(
    (
        rf"^\W*(?:just a moment|pardon our interruption|checking your browser|security check){_END}",
        r"attention required! \| cloudflare|^\W*ddos-guard\b",
        rf"^\W*(?:before you continue|request blocked|human verification){_END}",
        rf"^\W*access (?:to this page has been )?denied{_END}",
        r"^\W*(?:are you (?:a )?(?:robot|human)|robot or human|verify (?:that )?you are (?:a )?human)\b",
        rf"^\W*(?:403 ?)?(?:[-–|:] ?)?forbidden{_END}|^\W*403{_END}",
    )
)
NEEDS_SCRIPTS: Final = _any_of(
    (r"(?:enable|activate|requires?|turn on) javascript", r"javascript (?:is )?(?:required|disabled)")
)
