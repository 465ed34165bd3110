"""What the ledger knows to be wrong, as conditions.

Belongs here: one function per fact of `ledger.troubles`, its sentence and the command that acts. Does not belong here:
reading the ledger's tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from postback_pipeline.alerting.condition import Condition, Place, Seen
from postback_pipeline.alerting.wording import counted, hours, instant, reasons, shortened
from postback_pipeline.ledger import Approval, AtRisk, Pause, Trouble, Troubles, open_ledger
from postback_pipeline.model import State
from postback_pipeline.settings import Settings
from postback_pipeline.settings.alerts import ConditionKind

KINDS = frozenset(
    {
        ConditionKind.PAUSED,
        ConditionKind.FLOOD,
        ConditionKind.PARKED,
        ConditionKind.CONFLICT,
        ConditionKind.REJECTED,
        ConditionKind.EXPIRED,
        ConditionKind.EXPIRING,
    }
)
#: The ledger's own reason of a parked postback that the receiver calls a duplicate.
_CONFLICT = "conflict"
_LONGEST_SENTENCE = 300
_WHY = '--reason "..."'


def ledger_place(settings: Settings, now: datetime) -> Place:
    """The ledger, looked at for this deployment's settings at `now`, aware UTC."""

    def look(mark: str) -> Seen:
        alerts = settings.alerts
        with open_ledger(settings.ledger_url(), settings.environment, mark=settings.ledger_mark_path) as ledger:
            found = ledger.troubles(
                refused_since=now - timedelta(hours=alerts.refused_within_hours),
                expiring_before=now + timedelta(hours=alerts.expiring_within_hours),
                queued_before=now - timedelta(minutes=alerts.expiring_after_minutes),
            )
        return Seen(tuple(conditions_of(found, timedelta(hours=alerts.refused_within_hours))))

    return Place("ledger", KINDS, look, act="postback ledger status")


def conditions_of(found: Troubles, within: timedelta) -> Iterator[Condition]:
    """All of it; `within` is how far back refusals were looked for."""
    yield from map(_paused, found.pauses)
    yield from map(_flood, found.approvals)
    for (destination, kind), each in groupby(sorted(found.postbacks, key=_group), key=_group):
        yield _did_not_arrive(destination, kind, list(each), within)
    yield from (_expiring(each, found.at) for each in found.expiring)


def _paused(pause: Pause) -> Condition:
    name = pause.destination
    by_itself = " It goes on by itself once the secret that it names has changed." if pause.ends_by_itself else ""
    reason = shortened(pause.reason, _LONGEST_SENTENCE).rstrip(".")
    return Condition(
        key=f"paused:{name}",
        kind=ConditionKind.PAUSED,
        subject=name,
        sentence=f"Nothing is sent to {name}, paused by {shortened(pause.by)}: {reason}.{by_itself}",
        act=f"postback ledger resume {name} {_WHY}",
        link=_deliveries(name),
        since=pause.since,
        figures={"reason": reason, "paused_by": shortened(pause.by)},
    )


def _flood(approval: Approval) -> Condition:
    return Condition(
        # What an approval names never changes: another number is another question.
        key=f"flood:{approval.destination}:{approval.id}",
        kind=ConditionKind.FLOOD,
        subject=approval.destination,
        sentence=f"An enqueue waits for a person. {approval.reason}",
        act=f"postback plan; postback ledger approve {approval.id} {_WHY}",
        link="/assets/ledger/postbacks",
        since=approval.created_at,
        figures={
            "approval": approval.id,
            "postbacks": approval.postbacks,
            "retractions": approval.retractions,
        },
    )


def _group(trouble: Trouble) -> tuple[str, ConditionKind]:
    if trouble.state is State.PARKED:
        is_conflict = trouble.reason == _CONFLICT
        return trouble.destination, ConditionKind.CONFLICT if is_conflict else ConditionKind.PARKED
    return trouble.destination, ConditionKind.REJECTED if trouble.state is State.REJECTED else ConditionKind.EXPIRED


def _did_not_arrive(name: str, kind: ConditionKind, each: Sequence[Trouble], within: timedelta) -> Condition:
    count, why = sum(one.count for one in each), reasons((one.reason, one.count) for one in each)
    many, was, it = counted(count, "postback"), "was" if count == 1 else "were", "it" if count == 1 else "them"
    lately = f"in the last {hours(within)}"
    sentence, act = {
        ConditionKind.PARKED: (
            f"Of {many} to {name} nobody but a person can tell what the receiver believes: {why}. Ask it.",
            f"postback ledger resolve --destination {name} --as accepted|rejected|resend {_WHY}",
        ),
        ConditionKind.CONFLICT: (
            f"{name} calls {many} a duplicate of something that we never sent: somebody else reports there.",
            f"postback ledger inspect --destination {name} --last-reason {_CONFLICT}",
        ),
        ConditionKind.REJECTED: (
            f"{many} to {name} {was} rejected {lately}: {why}.",
            f"postback ledger inspect --destination {name} --state rejected",
        ),
        ConditionKind.EXPIRED: (
            f"{many} to {name} {was} given up {lately}, since the window closed or the attempts were spent: {why}.",
            f"postback ledger replay --destination {name} --state expired {_WHY}",
        ),
    }[kind]
    if kind is ConditionKind.REJECTED:
        act += f"; to send {it} again: postback ledger replay --destination {name} --state rejected {_WHY}"
    return Condition(
        key=f"{kind}:{name}",
        kind=kind,
        subject=name,
        sentence=sentence,
        act=act,
        link=_deliveries(name),
        since=min(one.first_at for one in each),
        figures={"postbacks": count, **{f"reason {shortened(one.reason)}": one.count for one in each[:10]}},
    )


def _expiring(risk: AtRisk, now: datetime) -> Condition:
    name, money = risk.destination, {currency: f"{amount:,.2f}" for currency, amount in sorted(risk.money.items())}
    worth = ", ".join(f"{amount} {currency}" for currency, amount in money.items())
    expires = "expires" if risk.count == 1 else "expire"
    return Condition(
        key=f"expiring:{name}",
        kind=ConditionKind.EXPIRING,
        subject=name,
        sentence=f"{counted(risk.count, 'queued postback')} to {name}, worth {worth}, {expires} soon, the first one in"
        f" {hours(risk.first_expires_at - now)} (at {instant(risk.first_expires_at)}).",
        act=f"postback ledger status; postback ledger inspect --destination {name} --state pending --state retry",
        link=_deliveries(name),
        figures={"postbacks": risk.count, **money},
    )


def _deliveries(name: str) -> str:
    return f"/assets/delivery/sent?view=partitions&partition={name}"
