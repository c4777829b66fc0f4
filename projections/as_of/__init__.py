"""Reading as of a moment: the answer that the same read would have given then.

`projections/moments.py` has made a position of what a client names.

    catalogs      the catalogue of that position, folded from its events
    rows          a table's rows and links of that position, as one statement
    shadows       such a table kept for a while, so that lists can be read of it
    whole         some records as whole rows, for who goes through many events
    reading       what surfaces ask: a catalogue, a record, a page

The compiler and the JSON of the ordinary reads run on the rows of then through
`Target`: there is no second query language.
"""

from projections.as_of.reading import AsOf, Then

__all__ = ["AsOf", "Then"]
