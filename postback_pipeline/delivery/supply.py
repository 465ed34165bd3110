"""Keeping parcels at hand: claims are fetched while the last ones are being sent, and given back unsent.

Belongs here: how much is claimed and when, which claims are too late to be sent. Does not belong here: how claims are
cut into parcels (`parcels`), sending them (`crew`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from postback_pipeline.delivery import clock
from postback_pipeline.delivery.desk import Desk
from postback_pipeline.delivery.parcels import Parcel, Stock
from postback_pipeline.delivery.tally import Tally
from postback_pipeline.destinations.base import Capabilities
from postback_pipeline.ledger import Claim, Result
from postback_pipeline.settings import Delivery, DestinationSettings

#: A rate-limited drain claims about this many seconds' worth at a time, so that a pause is heeded soon.
CLAIM_SECONDS = 5.0
#: Claims per request that may be in flight: few while the receiver's health is in doubt, so that few go back.
CLAIMS_PER_SLOT = 32
#: The same for a receiver that recognises nothing twice: what a killed worker had claimed is parked, sent or not, since
#: only the claim is durable; so little more is claimed than is in flight. Of batches, one per request.
UNRECOGNISED_PER_SLOT = 2
#: Batches that are claimed at a time, so that full ones can be made.
CLAIMED_BATCHES = 4


class Supply:
    """The claims in hand and those on their way.

    Args:
        desk: where they come from and go back to.
        capabilities: what a request of the destination may hold.
        settings: the destination's.
        delivery: how much is claimed at once, and for how long.
        tally: counts them.
        arrived: is called when claims came, or failed to.
    """

    def __init__(
        self,
        desk: Desk,
        capabilities: Capabilities,
        settings: DestinationSettings,
        delivery: Delivery,
        tally: Tally,
        arrived: Callable[[], None],
    ) -> None:
        self._desk = desk
        self._tally = tally
        self._arrived = arrived
        self._loop = asyncio.get_running_loop()
        self._stock = Stock(capabilities)
        self._late: list[Claim] = []
        self._fetch: asyncio.Task[list[Claim]] | None = None
        rows = capabilities.batch_rows
        at_once = delivery.claim_rows if rows == 1 else max(delivery.claim_rows, CLAIMED_BATCHES * rows)
        rated = max(1, int(settings.rate * CLAIM_SECONDS)) * rows if settings.rate else at_once
        self._most = min(at_once, rated)
        if capabilities.deduplicates:
            self._per_slot = max(CLAIMS_PER_SLOT, 2 * rows)
        else:
            self._per_slot = max(UNRECOGNISED_PER_SLOT, rows)
        # An attempt needs its deadline of a lease, and a little; leases are renewed before less is left.
        slack = delivery.lease_seconds - settings.deadline_seconds
        self._lease_needed = settings.deadline_seconds + slack / 4
        self._renew_every = min(delivery.lease_seconds / 3, slack / 2)
        self._more = True
        #: Why claims could not be fetched; ends the drain.
        self.failure: BaseException | None = None

    def __len__(self) -> int:
        """Claims in hand."""
        return len(self._stock)

    @property
    def ready(self) -> bool:
        """Whether there is a parcel; a last one with room for more waits for the claims that are on their way."""
        return self._stock.parcels(filled=self._fetch is not None) > 0

    @property
    def parcels(self) -> int:
        """About how many requests the claims in hand make."""
        return self._stock.parcels(filled=False)

    async def keep_leases(self) -> None:
        """Renews leases before too little is left for an attempt, until cancelled."""
        await self._desk.keep_leases(self._lease_needed, self._renew_every)

    def take(self) -> Parcel | None:
        """The next parcel of claims that can still be sent. What is too late waits for `give_back_late`."""
        if self._fetch is not None and not self.ready:
            return None
        now, soon = self._desk.now(), clock.now() + self._lease_needed
        lease_ends = self._desk.lease_ends

        def is_late(claim: Claim) -> bool:
            expires_at = claim.expires_at
            return lease_ends.get(claim.postback_id, 0.0) < soon or (expires_at is not None and expires_at <= now)

        parcel = self._stock.take(is_late, self._late)
        if parcel is not None and self._late:
            # Giving back takes its time, after which this one is looked at anew.
            self._stock.put_first([parcel])
            return None
        return parcel

    async def give_back_late(self) -> bool:
        """Gives back what was too late to be sent; whether there was anything."""
        late, self._late = self._late, []
        await self.release(late)
        return bool(late)

    def put_first(self, parcels: Sequence[Parcel]) -> None:
        """Parts of a parcel that leave before everything else."""
        self._stock.put_first(parcels)

    def fetch_ahead(self, window: int) -> None:
        """Fetches more if little is left for so many requests in flight, and more may be due."""
        if self._more and self._fetch is None:
            limit = self._limit(window)
            if len(self._stock) <= limit // 2:
                self._start(limit, sweep=False)

    async def fetch(self, window: int, *, sweep: bool) -> None:
        """Returns when claims came, or none did."""
        await asyncio.wait({self._fetch or self._start(self._limit(window), sweep=sweep)})

    async def release(self, claims: Sequence[Claim], refusals: Sequence[Result] = ()) -> None:
        """Gives claims back of which no byte was sent, or that came back with these refusals of the set-up."""
        await self._desk.release(claims, refusals)
        self._tally.released += len(claims) - len(refusals)

    async def release_all(self) -> None:
        """Gives everything back."""
        if self._fetch is not None:
            await asyncio.wait({self._fetch})
        late, self._late = self._late, []
        await self.release([*late, *self._stock.clear()])

    def _limit(self, window: int) -> int:
        return min(self._most, self._per_slot * window)

    def _start(self, limit: int, *, sweep: bool) -> asyncio.Task[list[Claim]]:
        self._fetch = self._loop.create_task(self._desk.claim(limit, sweep=sweep))
        self._fetch.add_done_callback(lambda task: self._fetched(task, limit))
        return self._fetch

    def _fetched(self, task: asyncio.Task[list[Claim]], limit: int) -> None:
        self._fetch = None
        if (failure := task.exception()) is not None:
            self.failure = failure
        else:
            claims = task.result()
            self._more = len(claims) == limit
            self._tally.claimed += len(claims)
            self._stock.add(claims)
        self._arrived()
