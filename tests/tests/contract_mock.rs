//! The socket contract on stacks in memory: what the tests of faults stand on is itself sound.

use cable_car_tests::mock::Pair;

cable_car_tests::contract_tests!(Pair::new);

cable_car_tests::contract_tests! {
    Pair::new:
    discovery::two_connectors_find_each_other_once,
    discovery::two_connectors_find_each_other_in_the_end,
    discovery::a_connector_alone_finds_nobody,
}
