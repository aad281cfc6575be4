"""Partitions are Kafka's own: checked against what its Java client computes."""

from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner import murmur2 as of_kafka_python

from events.kafka.partitions import murmur2, partition_of


def signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number


def test_hashes_are_those_of_the_java_client() -> None:
    """From `UtilsTest.testMurmur2` of Apache Kafka."""
    expected = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    assert {key: signed(murmur2(key)) for key in expected} == expected


@given(st.binary(max_size=100))
def test_hashes_are_those_of_kafka_python(key: bytes) -> None:
    assert murmur2(key) == of_kafka_python(key)


@given(st.binary(max_size=40), st.integers(1, 1_000))
def test_every_key_has_a_partition(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
