"""What each role may do in PostgreSQL; that it suffices is tested on a server."""

from ledger.postgres.grants import grants


def test_the_service_writes_no_history_and_a_worker_reads_no_token() -> None:
    statements = list(grants(worker="folder", api="web"))
    of_worker = [statement for statement in statements if statement.endswith(' TO "folder";')]
    of_api = [statement for statement in statements if statement.endswith(' TO "web";')]
    assert sorted(of_worker + of_api) == sorted(statements)
    assert not any("tokens" in statement for statement in of_worker)
    assert [s for s in of_api if " ON items " in s] == ['GRANT SELECT ON items TO "web";']
    assert not any("DELETE" in statement for statement in of_api)


def test_a_role_of_any_name_is_quoted() -> None:
    assert all(
        ' TO "a""; DROP TABLE items";' in statement or ' TO "b c";' in statement
        for statement in grants(worker='a"; DROP TABLE items', api="b c")
    )
