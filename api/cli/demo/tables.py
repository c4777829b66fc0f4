"""The tables that the files become: their fields, and which column fills which."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta, timezone

from api.cli.demo.columns import (
    Column,
    RawRow,
    Unreadable,
    Value,
    autonumber,
    checkbox,
    choice,
    day,
    link,
    long_text,
    moment,
    number,
    text,
    whole,
)

# the hourly files have the hour that summer time skips: they keep standard time
PACIFIC = timezone(timedelta(hours=-8))

MAKERS = {
    "chevroelt": "chevrolet",
    "chevy": "chevrolet",
    "maxda": "mazda",
    "mercedes": "mercedes-benz",
    "toyouta": "toyota",
    "vokswagen": "volkswagen",
    "vw": "volkswagen",
}  # as misspelt or shortened in cars.json: as spelt there elsewhere
MODELS = {"capri", "hi"}  # names in cars.json that do not begin with a maker


def read_maker(name: str) -> Value:
    first = name.split()[0]
    if first in MODELS:
        raise Unreadable("the name does not begin with a maker")
    return MAKERS.get(first, first)


def corrected(name: str) -> str:
    """A car's name with its maker spelt out."""
    first, _, rest = name.partition(" ")
    return f"{MAKERS.get(first, first)} {rest}".strip()


@dataclass(frozen=True)
class Table:
    """A table and the files it is made of; each file may say something of its rows.

    `passed_over`: columns of the source that no field takes, with the reason.
    """

    name: str
    columns: Sequence[Column]
    files: Mapping[str, RawRow]
    passed_over: Mapping[str, str] = field(default_factory=dict)


_NA = ("NA",)

# columns of us-employment.csv, in thousands of jobs: (field, column)
_SECTORS = (
    ("Nonfarm", "nonfarm"),
    ("Private", "private"),
    ("Goods producing", "goods_producing"),
    ("Service providing", "service_providing"),
    ("Private service providing", "private_service_providing"),
    ("Mining and logging", "mining_and_logging"),
    ("Construction", "construction"),
    ("Manufacturing", "manufacturing"),
    ("Durable goods", "durable_goods"),
    ("Nondurable goods", "nondurable_goods"),
    ("Trade, transportation, utilities", "trade_transportation_utilties"),
    ("Wholesale trade", "wholesale_trade"),
    ("Retail trade", "retail_trade"),
    ("Transportation and warehousing", "transportation_and_warehousing"),
    ("Utilities", "utilities"),
    ("Information", "information"),
    ("Financial activities", "financial_activities"),
    ("Professional and business services", "professional_and_business_services"),
    ("Education and health services", "education_and_health_services"),
    ("Leisure and hospitality", "leisure_and_hospitality"),
    ("Other services", "other_services"),
    ("Government", "government"),
    ("Nonfarm change", "nonfarm_change"),
)

TABLES = (
    Table(
        "Airports",
        [
            text("IATA", "iata", required=True),
            text("Name", "name", required=True),
            text("City", "city", blanks=_NA),
            link("State", "state", "States", blanks=_NA),
            choice("Country", "country"),
            number("Latitude", "latitude"),
            number("Longitude", "longitude"),
        ],
        {"airports.csv": {}},
    ),
    Table(
        "Cars",
        [
            text("Name", "Name", required=True),
            link("Maker", "Name", "Makers", read=read_maker),
            choice("Origin", "Origin"),
            day("Year", "Year"),
            number("Miles per gallon", "Miles_per_Gallon", allow_negative=False),
            whole("Cylinders", "Cylinders"),
            number("Displacement", "Displacement"),
            whole("Horsepower", "Horsepower"),
            whole("Weight in lbs", "Weight_in_lbs"),
            number("Acceleration", "Acceleration"),
        ],
        {"cars.json": {}},
    ),
    Table(
        "Seattle weather",
        [
            day("Date", "date", "%Y/%m/%d", required=True),
            choice("Weather", "weather"),
            number("Precipitation", "precipitation", allow_negative=False),
            number("Highest", "temp_max"),
            number("Lowest", "temp_min"),
            number("Wind", "wind", allow_negative=False),
        ],
        {"seattle-weather.csv": {}},
    ),
    Table(
        "Temperatures",
        [
            autonumber("Number"),
            choice("City", "city"),
            moment("At", "date", ["%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"], PACIFIC),
            number("Fahrenheit", "temp", precision=1),
        ],
        {
            "seattle-temps.csv": {"city": "Seattle"},
            "sf-temps.csv": {"city": "San Francisco"},
        },
    ),
    Table(
        "Stocks",
        [
            choice("Symbol", "symbol"),
            day("Month", "date", "%b %d %Y"),
            number("Price", "price", precision=2),
        ],
        {"stocks.csv": {}},
    ),
    Table(
        "Employment",
        [day("Month", "month", required=True), *(number(*pair) for pair in _SECTORS)],
        {"us-employment.csv": {}},
    ),
    Table(
        "Candles",
        [
            day("Date", "date", required=True),
            number("Open", "open"),
            number("High", "high"),
            number("Low", "low"),
            number("Close", "close"),
            choice("Signal", "signal"),
            number("Return", "ret"),
        ],
        {"ohlc.json": {}},
    ),
    Table(
        "Iris",
        [
            autonumber("Number"),
            choice("Species", "species"),
            number("Sepal length", "sepalLength"),
            number("Sepal width", "sepalWidth"),
            number("Petal length", "petalLength"),
            number("Petal width", "petalWidth"),
        ],
        {"iris.json": {}},
    ),
    Table(
        "Barley",
        [
            choice("Variety", "variety"),
            choice("Site", "site"),
            whole("Year", "year"),
            number("Yield", "yield"),
        ],
        {"barley.json": {}},
    ),
    Table(
        "Antibiotics",
        [
            text("Bacteria", "Bacteria", required=True),
            choice("Genus", "Genus"),
            checkbox("Gram positive", "Gram_Staining", yes="positive", no="negative"),
            number("Penicillin", "Penicillin"),
            number("Streptomycin", "Streptomycin"),
            number("Neomycin", "Neomycin"),
        ],
        {"burtin.json": {}},
    ),
    Table(
        "Driving",
        [
            whole("Year", "year"),
            whole("Miles a head", "miles"),
            number("Price of gas", "gas", precision=2),
        ],
        {"driving.json": {}},
        {"side": "where a chart put its label"},
    ),
    Table(
        "Iowa electricity",
        [
            day("Year", "year"),
            choice("Source", "source"),
            whole("Net generation", "net_generation"),
        ],
        {"iowa-electricity.csv": {}},
    ),
    Table(
        "Crimea",
        [
            day("Month", "date"),
            whole("Wounds", "wounds"),
            whole("Disease", "disease"),
            whole("Other", "other"),
        ],
        {"crimea.json": {}},
    ),
    Table(
        "Wheat",
        [
            whole("Year", "year"),
            number("Wheat", "wheat"),
            number("Wages", "wages"),
        ],
        {"wheat.json": {}},
    ),
    Table(
        "Anscombe",
        [choice("Series", "Series"), number("X", "X"), number("Y", "Y")],
        {"anscombe.json": {}},
    ),
)

SOURCES = [
    text("Name", "name", required=True),
    autonumber("Number"),
    text("File", "file"),
    whole("Rows", "rows"),
    long_text("Description", "description"),
    long_text("References", "references"),
]

# tables of the values that others link to: their names, primary fields, and whose
# column has the values
LINKED = (("States", "Code", "Airports", "State"), ("Makers", "Name", "Cars", "Maker"))

FILES_PASSED_OVER = (("la-riots.csv", "a list of people who were killed"),)
