// Recurrent layers of random attributes on both engines.
#include "catch.h"
#include "engine_pair.h"
#include "fixtures/random_recurrent.h"

using namespace mcompress;

TEST_CASE("random recurrent layers", "[onednn]") {
    for (unsigned seed = 1; seed <= 300; ++seed) {
        RandomRecurrent random(seed);
        INFO("seed " << seed << ": " << random.text);
        CHECK(relative_difference(random.maker) < 1e-4);
    }
}
