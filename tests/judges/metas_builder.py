"""What Meta's parameter builder for Node answered, where it and Meta's Python SDK have normal forms of their own.

Its Python build knows no persons, so that it cannot be asked here: `getNormalizedPII` of npm
`capi-param-builder-nodejs` 1.3.2 was asked once, and these are its answers. None: it sends nothing.
"""

#: Attribute, as typed, normal form.
ANSWERS: list[tuple[str, str, str | None]] = [
    ("first_name", " Mary-Ann O'Neil ", "maryannoneil"),
    ("first_name", "山田", "山田"),
    ("last_name", "O\u2019Brien", "o\u2019brien"),
    ("last_name", "Smith 3rd", "smith3rd"),
    ("last_name", "हिन्दी", "हिन्दी"),
    ("last_name", "Zoe\u0308", "zoe\u0308"),
    ("email", " Jane.Doe+x@Gmail.COM ", "jane.doe+x@gmail.com"),
    ("email", "nope", None),
    ("phone", "+44 844 412 4653", "448444124653"),
    ("phone", "0044 844 412 4653", "448444124653"),
    ("city", "New York", "newyork"),
    ("city", "L'Aquila", "laquila"),
    ("region", "C.A.", "ca"),
    ("postal_code", " 94025-1234", "94025"),
    ("country", "US", "us"),
]
