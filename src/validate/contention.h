// Whether something else used the processors while times were taken.
#pragma once

namespace mcompress {

struct Contention {
    double others = 0.0;        // processors that other processes kept busy, on average
    double waiting = 0.0;       // share of the wall time that this process's threads waited for a processor, the worst thread
    bool is_measurable = true;  // false where the system does not tell (no /proc)

    /// Times are not to be trusted: another process used a quarter of a processor, or our threads waited for 2 % of the time.
    bool is_contended() const { return others > 0.25 || waiting > 0.02; }
};

/// Reads the system's counters when made; since() tells what happened from then on.
class ContentionProbe {
public:
    ContentionProbe();
    Contention since() const;

private:
    struct Counters {
        double wall = 0.0, busy_all = 0.0, busy_own = 0.0;  // seconds
        double waited = 0.0;                                // seconds, of the thread that waited longest
        bool known = false;
    };
    static Counters read();
    Counters start_;
};

}  // namespace mcompress
