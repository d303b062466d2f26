// Networks of random operators say on the oneDNN engine what they say on the reference engine.
#include "catch.h"
#include "engine_pair.h"
#include "fixtures/random_network.h"

TEST_CASE("random networks of float operators", "[onednn]") {
    for (unsigned seed = 1; seed <= 200; ++seed) {
        RandomNetwork network(seed, 6, 0);
        INFO("seed " << seed << ": " << network.text);
        CHECK(relative_difference(network.maker) < 1e-4);
    }
}

TEST_CASE("random networks of codes", "[onednn][int8]") {
    // Two sums that differ in the last bit may lie on two sides of a rounding, and averages of codes often lie between two: what hangs on it is one step,
    // which is a tenth of what some of these networks give.
    for (unsigned seed = 1; seed <= 300; ++seed) {
        RandomNetwork network(seed, 5, 8);
        INFO("seed " << seed << ": " << network.text);
        CHECK(relative_difference(network.maker) < 0.15);
    }
}
