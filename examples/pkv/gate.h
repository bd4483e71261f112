// gate.h - Keeps readers out for the time in which a writer changes what
// they read.
//
// A reader is inside for the time of one search: two atomic additions on a line
// that it shares with few other threads. One writer at a time closes the gate
// and waits until everybody is out. Whoever goes inside sees all that was done
// while it was closed, and who closes it all that was done inside.
#ifndef PKV_GATE_H
#define PKV_GATE_H

#include <atomic>
#include <mutex>
#include <thread>

class gate {
  static constexpr unsigned lanes = 16;
  struct alignas(64) lane {
    std::atomic<unsigned> inside{0};
  };
  lane all[lanes];
  alignas(64) std::atomic<unsigned> closed{0};

  /// Threads take lanes in turn, and keep them.
  static lane &mine(gate &g) {
    static std::atomic<unsigned> threads{0};
    thread_local unsigned number = threads++ % lanes;
    return g.all[number];
  }

public:
  bool try_enter() {
    mine(*this).inside.fetch_add(1); // before it looks: the writer does both the
    if (!closed.load())              // other way round, so one sees the other
      return true;
    leave();
    return false;
  }
  bool is_closed() const { return closed.load(std::memory_order_relaxed); }
  void enter() {
    while (!try_enter())
      while (is_closed())
        std::this_thread::yield();
  }
  void leave() { mine(*this).inside.fetch_sub(1, std::memory_order_release); }

  void close() {
    closed.store(1);
    for (lane &l : all)
      while (l.inside.load())
        std::this_thread::yield();
  }
  void open() { closed.store(0); }

  struct inside {
    gate &g;
    explicit inside(gate &of) : g(of) { g.enter(); }
    inside(gate &of, std::adopt_lock_t) : g(of) {} // who is inside
    ~inside() { g.leave(); }
    inside(const inside &) = delete;
  };
  struct shut {
    gate &g;
    explicit shut(gate &of) : g(of) { g.close(); }
    ~shut() { g.open(); }
    shut(const shut &) = delete;
  };
};

#endif
