//! The socket contract on stacks in memory: what the tests of faults stand on is itself sound.

use cable_car_tests::mock::Pair;

cable_car_tests::contract_tests!(Pair::new);
