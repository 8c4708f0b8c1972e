"""The table: medians of the rounds, ratios of the same round, nothing beside what has no counterpart."""

from bench.comparison import Figures, Round, figures, ratios
from bench.load import Measurement
from bench.promises import statements
from bench.report import Costs, Row, table


def rounds(*rates, processor=1.0):
    return [Round(Measurement(1.0, [0.001] * rate), processor) for rate in rates]


def test_figures_are_medians_of_the_rounds():
    taken = figures(rounds(100, 400, 200))
    assert taken.rate == 200
    assert taken.processor == 1 / 200


def test_ratio_is_of_the_rounds_that_ran_beside_each_other():
    assert ratios(rounds(100, 300, 50), rounds(200, 100, 100)) == [0.5, 0.5, 3.0]


def test_table_shows_ours_theirs_and_the_ratio():
    ours, theirs = Figures(2000.0, 0.004, 0.006, 0.0005), Figures(1000.0, 0.008, 0.012, 0.001)
    costs = Costs({"Tessera": 70_000_000, "stack": 200_000_000, "oidc-provider": 140_000_000}, {}, {})
    costs = Costs(costs.idle, costs.idle, {"Tessera": [1.0, 3.0, 2.0], "oidc-provider": [0.5, 1.0, 4.0]})
    shown = table([Row("client_credentials", ours, theirs, [1.5, 2.0, 2.5])], costs).splitlines()
    assert "| client_credentials | requests/s | 2,000 | 1,000 | **2.00** (1.50 to 2.50) |" in shown
    assert "|  | p50 / p95, ms | 4.00 / 6.00 | 8.00 / 12.00 |  |" in shown
    assert "| memory | idle, MB | 70 (all of the stack 200) | 140 | 0.50 |" in shown
    assert "| start-up | until it answers, s | 2.00 | 1.00 | 2.00 |" in shown


def test_table_leaves_empty_what_only_tessera_was_measured_for():
    costs = Costs({"Tessera": 1, "stack": 1}, {"Tessera": 1, "stack": 1}, {"Tessera": [1.0]})
    shown = table([Row("rs /resource", Figures(2000.0, 0.004, 0.006, 0.0005))], costs).splitlines()
    assert "| rs /resource | requests/s | 2,000 |  |  |" in shown
    assert {line.count("|") for line in shown} == {6}


def test_statements_are_counted_by_verb_and_tables():
    log = (
        "2026-11-24 08:00:00.000 UTC [1] tessera_authz@tessera LOG:  execute __asyncpg_stmt_1__: \n"
        "\tSELECT t.scope\n\tFROM authz.refresh_tokens t JOIN authz.grants g ON g.id = t.grant_id\n"
        "2026-11-24 08:00:00.001 UTC [1] tessera_authz@tessera DETAIL:  Parameters: $1 = 'authz.codes'\n"
        "2026-11-24 08:00:00.002 UTC [1] tessera_authz@tessera LOG:  statement: SELECT 1\n"
        "2026-11-24 08:00:00.003 UTC [1] LOG:  checkpoint starting: time\n"
    )
    assert statements(log) == {"SELECT authz.refresh_tokens authz.grants": 1, "SELECT": 1}
