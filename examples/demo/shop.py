"""A sample shop: four weeks of orders and everything around them, as landing files, the same for the same seed.

`write_day_one` writes what the shop knows in the morning of the day before `today`, `write_day_two` what it knows a
day later. No row is of `today` or later, so a run on that day finds nothing that lies in the future. All amounts are
in EUR; people, addresses (example.com, 203.0.113.0/24) and click ids are made up.

Day one, 27 days:

- `orders/*.csv.gz` by week, about 1,450 orders with Berlin's offset. One in five is a guest's (`user_id` "guest",
  a placeholder), every fourth is of a customer who came before. 6 in 100 were written down as pending first (the later
  version lies in a file of its own, for the last day only on day two), 2 in 100 cancelled (with a refund row of the
  same amount), 1 in 100 failed, 1 in 200 fraud, 1 in 100 a test, 1 in 60 free.
- `clicks/*.jsonl.gz` by week: two of three orders follow a click of google (`gclid`), meta (`fbclid`), partner
  (`irclickid`) or microsoft (`msclkid`), a third of those a second one of another network. Each shares the order's
  session, customer or cart, or the order names it. 3 in 100 are older than 30 days; 5 in 100 orders have a click that
  only comes after them; 1,500 clicks lead to no order.
- `pixel_events/*.parquet` by week: the tags of google and meta each saw three of four orders; event id
  `px-<order id>`, every tenth event without its order id.
- `consents/*.jsonl` by week, for `ad_user_data`: of the customers, and of guests' sessions, 78 in 100 granted it, 12
  denied it, 10 said nothing; 3 in 100 of the first denied it minutes later.
- `refunds/*.csv` by week, in the wall clock of Europe/Berlin without a zone: 9 in 100 paid orders, of which 50 in 100
  in part, 30 in full, 12 twice with the same amount, 8 with 5 EUR more than was paid. Besides, two chargebacks, and
  three refunds of orders that only day two brings.
- `platform_reports/`: google.csv, meta.csv.gz, partner.jsonl.gz, microsoft.parquet: per day about what each was told
  (see `_told`), 5 in 100 conversions missing.
- `orders/marketplace.csv`: 20 rows that carry their own `gclid`, 8 good ones and 12 that are wrong in 12 ways.

Day two:

- the day's orders, clicks, pixel events, consents and platform reports, in files named by the date; the orders' file
  repeats the 20 newest of day one, since exports overlap
- `orders/updates-*.csv.gz`: later versions: orders of the last day that were pending and now are paid, and three paid
  ones that were cancelled
- `orders/late.csv`: the three orders whose refunds came first
- `clicks/late-*.jsonl.gz`: 15 clicks of google before orders of day one that had none
- `refunds/*.csv`: late refunds of 40 orders, those of the cancelled orders, one chargeback that was won, and two rows
  of day one once more
- `clicks/resent.jsonl`: a week's clicks again, in another order, not compressed
- `orders/marketplace.csv` again, with its 12 rows put right
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from examples.demo.landing_files import Row, write_rows
from examples.demo.shop_orders import BERLIN, CENT, NETWORKS, Calendar, Files, Order, Till

DAYS = 28
ORDERS = 1_500
#: A report's file on day one.
REPORTS = {"google": "csv", "meta": "csv.gz", "partner": "jsonl.gz", "microsoft": "parquet"}
#: What is wrong with the marketplace's rows: a column and what it holds.
WRONG = (
    ("order_id", ""),
    ("ordered_at", ""),
    ("ordered_at", "31.10.2026 14:05"),
    ("ordered_at", "2206-01-05T10:00:00+01:00"),
    ("amount", "49,90"),
    ("amount", "-15.00"),
    ("amount", "NaN"),
    ("amount", "12.34567"),
    ("amount", "1e309"),
    ("currency", ""),
    ("currency", "EURO"),
    ("status", "delivered"),
)


def write_day_one(folder: Path, today: date, seed: int) -> list[Path]:
    """Writes the first day's landing files below `folder`; returns their paths."""
    return _write(folder, Shop(today, seed).calendar.day_one)


def write_day_two(folder: Path, today: date, seed: int) -> list[Path]:
    """Writes the second day's files beside those of the first (same `today`, same `seed`); returns their paths."""
    return _write(folder, Shop(today, seed).calendar.day_two)


def _write(folder: Path, files: Files) -> list[Path]:
    for name, rows in files.items():
        write_rows(folder / name, rows)
    return [folder / name for name in files]


class Shop:
    """Four weeks as rows by file, in `calendar`."""

    def __init__(self, today: date, seed: int) -> None:
        """Plays the four weeks before `today`."""
        self.calendar = Calendar(today, seed)
        self._random = self.calendar.random
        self._till = Till(self.calendar)
        self._refunds = 0
        mornings = [self.calendar.end - timedelta(days=self._random.randint(1, DAYS), hours=-6) for _ in range(ORDERS)]
        times = sorted(morning + timedelta(seconds=self._random.randint(0, 14 * 3_600)) for morning in mornings)
        self._orders = [self._till.order(f"D-{number}", at) for number, at in enumerate(times, start=100_001)]
        for order in self._orders:
            self._write_versions(order)
        self._known = [order for order in self._orders if order.at < self.calendar.second]
        self._click_for_nothing()
        self._refund_early()
        self._report()
        self._sell_elsewhere()
        self._think_again()

    def _write_versions(self, order: Order) -> None:
        row, at, calendar = order.row, order.at, self.calendar
        age = calendar.end - at
        row["updated_at"] = row["paid_at"]
        if age > timedelta(days=3) and calendar.chance(2):
            row.update(status="cancelled", updated_at=at + timedelta(days=1))
            self._refund(order, order.amount, at + timedelta(days=1), "cancellation")
        elif calendar.chance(1.5):
            row.update(status=self._random.choice(["failed", "failed", "fraud"]), paid_at=None)
        elif age > timedelta(days=3):
            row.update(status="shipped", updated_at=at + timedelta(hours=26))
            if age > timedelta(days=15):
                row.update(status="completed", updated_at=at + timedelta(days=10))
        if not calendar.chance(6):
            calendar.put("orders", at, "csv.gz", row)
            return
        pending = row | {"status": "pending", "paid_at": None, "updated_at": at}
        calendar.put("orders", at, "csv.gz", pending)
        if age > timedelta(days=2):
            before = calendar.second - timedelta(days=1)
            calendar.day_one[f"orders/updates-{before:%Y-%m-%d}.csv.gz"].append(row)
        else:
            order.row = pending
            if at < calendar.second:
                calendar.day_two[f"orders/updates-{calendar.second:%Y-%m-%d}.csv.gz"].append(row)

    def _refund(self, order: Order, amount: Decimal, at: datetime, kind: str = "refund") -> Row:
        """Takes a part of an order back, at a time of Berlin's clocks without their zone."""
        self._refunds += 1
        order.refunded += amount
        row: Row = {
            "refund_id": f"R-{70_000 + self._refunds}",
            "order_id": order.order_id,
            "refunded_at": at.astimezone(BERLIN).strftime("%Y-%m-%d %H:%M:%S"),
            "amount": amount.quantize(CENT),
            "currency": "EUR",
            "kind": kind,
            "reason": self._random.choice(["damaged", "too late", "does not fit", "no longer wanted"]),
        }
        self.calendar.put("refunds", at, "csv", row)
        return row

    def _refund_somehow(self, order: Order, at: datetime) -> None:
        how = self._random.choices(["part", "full", "twice", "over"], [50, 30, 12, 8])[0]
        part = (order.amount * self._random.randint(1, 4) / 10).quantize(CENT)
        amounts = {"part": [part], "full": [order.amount], "twice": [part, part], "over": [order.amount + 5]}[how]
        for number, amount in enumerate(amounts):
            self._refund(order, amount, at + timedelta(minutes=number))

    def _refund_early(self) -> None:
        """What day one knows of refunds."""
        settled = [
            order for order in self._known if order.is_sale and order.at < self.calendar.second - timedelta(days=3)
        ]
        for order in settled:
            if self.calendar.chance(9):
                self._refund_somehow(order, order.at + timedelta(hours=self._random.randint(20, 70)))
        last = self.calendar.second - timedelta(hours=10)
        self._charged_back = [order for order in settled if not order.refunded][-2:]
        for order in self._charged_back:
            self._refund(order, order.amount, last, "chargeback")
        for number in (1, 2, 3):
            at = last - timedelta(days=number)
            order = self._till.order(f"L-{500 + number}", at)
            self._refund(order, (order.amount / 2).quantize(CENT), last)
            self.calendar.day_two["orders/late.csv"].append(order.row | {"updated_at": order.row["paid_at"]})

    def _click_for_nothing(self) -> None:
        for _ in range(1_500):
            at = self.calendar.end - timedelta(minutes=self._random.randint(10, DAYS * 24 * 60))
            self.calendar.put("clicks", at, "jsonl.gz", self._till.click(self._random.choice(list(NETWORKS)), at))

    def _report(self) -> None:
        """What each network says of what it was told."""
        counts: dict[str, Counter[date]] = defaultdict(Counter)
        values: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
        for order in self._orders:
            for network in sorted(self._told(order)):
                if self.calendar.chance(5):
                    continue
                day = (order.at if network == "partner" else order.at.astimezone(BERLIN)).date()
                counts[network][day] += 1
                values[network, day] += order.amount - order.refunded
        for network, days in counts.items():
            for day, conversions in sorted(days.items()):
                row: Row = {"date": day, "destination": network, "event": "purchase", "conversions": str(conversions)}
                row |= {"value": values[network, day].quantize(CENT), "currency": "EUR"}
                row["time_zone"] = "UTC" if network == "partner" else "Europe/Berlin"
                if day < self.calendar.second.date():
                    self.calendar.day_one[f"platform_reports/{network}.{REPORTS[network]}"].append(row)
                else:
                    self.calendar.day_two[f"platform_reports/{day}.csv"].append(row)

    def _told(self, order: Order) -> set[str]:
        """The networks that were told of an order, as far as can be said without doing the pipeline's work twice."""
        told = {str(click["campaign"]).partition("-")[0] for click in self._till.followed(order)}
        if not order.is_sale or order.refunded >= order.amount:
            return set()
        if order.customer.consent != "granted" or "meta" in order.seen_by:
            told.discard("meta")
        if {"partner", "microsoft"} <= told:
            told.discard("microsoft")
        if order.at > self.calendar.end - timedelta(days=4):
            told.discard("partner")
        return told

    def _sell_elsewhere(self) -> None:
        """A second system, whose file somebody wrote by hand."""
        good: list[Row] = []
        for number in range(1, 21):
            at = self.calendar.second - timedelta(hours=7 * number)
            good.append(
                {
                    "order_id": f"M-{number:03}",
                    "ordered_at": at.astimezone(BERLIN),
                    "status": "paid",
                    "amount": f"{10 + 3 * number}.90",
                    "currency": "EUR",
                    "paid_at": at,
                    "email": f"buyer.{number}@example.com",
                    "gclid": self.calendar.token(24),
                }
            )
        broken = [row | {column: text} for row, (column, text) in zip(good[8:], WRONG, strict=True)]
        self.calendar.day_one["orders/marketplace.csv"] = good[:8] + broken
        self.calendar.day_two["orders/marketplace.csv"] = good

    def _think_again(self) -> None:
        """What day two learns about day one."""
        calendar, noon = self.calendar, self.calendar.second + timedelta(hours=12)
        whole = [order for order in self._known if order.is_sale and not order.refunded]
        unmatched = [order for order in whole if not self._till.followed(order)]
        for order in self._random.sample(unmatched, 15):
            click = self._till.click("google", order.at - timedelta(hours=3))
            click["session_id"] = order.row["session_id"]
            calendar.day_two[f"clicks/late-{calendar.second:%Y-%m-%d}.jsonl.gz"].append(click)
        *refunded, first, second, third = self._random.sample(
            [order for order in whole if self._till.followed(order)], 43
        )
        for order in refunded:
            self._refund_somehow(order, noon + timedelta(seconds=self._random.randint(0, 7_200)))
        for order in (first, second, third):
            cancelled = order.row | {"status": "cancelled", "updated_at": noon}
            calendar.day_two[f"orders/updates-{calendar.second:%Y-%m-%d}.csv.gz"].append(cancelled)
            self._refund(order, order.amount, noon, "cancellation")
        self._refund(self._charged_back[0], self._charged_back[0].amount, noon, "dispute_won")
        self._repeat()

    def _repeat(self) -> None:
        """Exports overlap, and a file is sent again."""
        day_two, day = self.calendar.day_two, f"{self.calendar.second:%Y-%m-%d}"
        day_two[f"refunds/{day}.csv"] += self._weeks("refunds")[-1][-2:]
        day_two[f"orders/{day}.csv.gz"] += [order.row for order in self._known[-20:]]
        longest: list[Row] = max(self._weeks("clicks"), key=len)
        day_two["clicks/resent.jsonl"] = self._random.sample(longest, len(longest))

    def _weeks(self, entity: str) -> list[list[Row]]:
        files = sorted(self.calendar.day_one.items())
        return [rows for name, rows in files if name.startswith(f"{entity}/")]
