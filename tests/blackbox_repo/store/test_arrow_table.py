import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackbox_repo.errors import FormatError
from blackbox_repo.store.arrow_table import scalar_column, scalars_of, table_of


def kept(values):
    """The values after a way through a parquet file, with their types."""
    sink = pa.BufferOutputStream()
    pq.write_table(table_of([scalar_column("c", values)]), sink)
    read = pq.ParquetFile(pa.BufferReader(sink.getvalue())).read(use_threads=False)
    return [(type(value), value) for value in scalars_of(read.schema.field("c"), read["c"])]


def typed(values):
    return [(type(value), value) for value in values]


MIXED = [
    ["sqrt", 0.5, 1, None],
    [True, "auto", False, 1, 1.0, "1", "true", 0, 0.0],
    [1, 100, 0.5],
    [2**70, -(2**70), 1],
    [2**63],
    ["a", None, "\0", "", "é", "\U0001f600", "null"],
    ["\0", 1],
    [None, None],
    [],
    [True, None],
    [1e-300, 5e-324, 0.1 + 0.2, 1],
]


@pytest.mark.parametrize("values", MIXED, ids=repr)
def test_scalars_of_any_kinds_come_back_exactly(values):
    assert kept(values) == typed(values)


scalars = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.text() | st.floats(allow_nan=False)


@given(st.lists(scalars.filter(lambda v: v not in (float("inf"), float("-inf"))), max_size=8))
def test_whatever_scalars_there_are_come_back_exactly(values):
    assert kept(values) == typed(values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", None], pa.string()),
        ([1, -(2**63), 2**63 - 1], pa.int64()),
        ([1.5, 2.0], pa.float64()),
        ([True], pa.bool_()),
    ],
)
def test_values_of_one_kind_are_a_plain_column(values, kind):
    field, array = scalar_column("c", values)
    assert (field.type, array.type, field.metadata) == (kind, kind, None)


def test_values_of_several_kinds_are_a_dictionary_of_json_and_say_so():
    field, array = scalar_column("c", ["1", 1, 1.0, True, None])
    assert field.type == pa.dictionary(pa.int32(), pa.string())
    assert field.metadata == {b"encoding": b"json"}
    assert array.to_pylist() == ['"1"', "1", "1.0", "true", None]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["\ud800"], "the column 'c' holds '\\ud800', which is not Unicode text"),
        ([1, "\ud800"], "which is not Unicode text"),
        ([float("nan"), "a"], "holds nan beside values of other kinds"),
        ([(1, 2)], "holds (1, 2): it must be text, a number or a bool"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_name(values, message):
    with pytest.raises(FormatError) as caught:
        scalar_column("c", values)
    assert message in str(caught.value)


@pytest.mark.parametrize("text", ["[1]", "null", "{", "NaN", ""])
def test_a_json_column_that_holds_no_scalar_is_refused(text):
    field = pa.field("c", pa.string(), metadata={"encoding": "json"})
    with pytest.raises(FormatError, match="a value of the column 'c'"):
        scalars_of(field, pa.array([text]))
