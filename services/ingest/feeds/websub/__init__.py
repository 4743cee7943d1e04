"""WebSub (W3C Recommendation of 2018): hubs push what changed, instead of being polled for it."""
