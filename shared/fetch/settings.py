"""Settings of every service that fetches, and the fetcher that they describe."""

from __future__ import annotations

from pydantic import Field

from shared import __version__
from shared.fetch.fetcher import MAX_REDIRECTS, Fetcher
from shared.fetch.guard import AllowedHosts, Guard, Resolver, system_resolver
from shared.metrics import Metrics
from shared.settings import Seconds, ServiceSettings


class FetchSettings(ServiceSettings):
    """What a service that fetches reads from WIREROOM_FETCH_… variables."""

    fetch_allow_hosts: str = Field(
        "",
        description="Hosts that may be fetched from though they are private or listen on other ports than 80 "
        "and 443: `host[:port],…`. Without a port, all of them. Other private addresses are refused.",
    )
    fetch_agent: str = Field(
        "Wireroom",
        pattern=r"^[A-Za-z_-]{1,50}$",
        description="Name by which sites know us, in User-Agent and in their robots.txt.",
    )
    fetch_contact_url: str | None = Field(
        None,
        pattern=r"^(?:https?://|mailto:)[!-~]{1,200}$",
        description="Where sites can learn who fetches from them; sent in User-Agent.",
    )
    fetch_max_redirects: int = Field(
        MAX_REDIRECTS, ge=0, le=20, description="Redirects that are followed before a fetch fails."
    )

    fetch_host_pause_s: float = Field(
        1.0,
        ge=0,
        le=3600,
        description="Seconds between two requests for pages to one host, one at a time; a site's own "
        "Crawl-delay or Retry-After may be longer. Hosts of FETCH_ALLOW_HOSTS are asked without pauses.",
    )
    fetch_robots_ttl_s: Seconds = Field(
        3_600.0, description="Seconds for which a site's robots.txt is kept before it is asked for again."
    )

    @property
    def user_agent(self) -> str:
        """The User-Agent header: product, version, and where to ask."""
        contact = f" (+{self.fetch_contact_url})" if self.fetch_contact_url else ""
        return f"{self.fetch_agent}/{__version__}{contact}"


def fetcher_from_settings(
    settings: FetchSettings, *, metrics: Metrics | None = None, resolver: Resolver = system_resolver
) -> Fetcher:
    """Return the fetcher of a service. Raises ConfigurationError when allowed hosts cannot be read."""
    return Fetcher(
        Guard(AllowedHosts.parse(settings.fetch_allow_hosts), resolver=resolver),
        user_agent=settings.user_agent,
        max_redirects=settings.fetch_max_redirects,
        metrics=metrics,
    )
