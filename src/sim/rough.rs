//! Rough links as data: what else than delay and cuts may happen to connections and frames, and with which probability
//! (dst.md §5.1). One frame's fortune is decided by one keyed draw and the parameters of all that make its way rough.

use crate::base::ratio::Ratio;
use crate::base::rng::Draw;
use crate::base::time::Span;

/// TCP's first retransmission timeout.
const RTO: Span = Span::from_ms(200);

/// After so many retransmissions of one segment TCP gives up and the connection is reset.
const RETRIES: u32 = 7;

/// The longest time between the two parts of a frame that was written in two.
const PART_GAP_US: u64 = 20_000;

/// How rough a way is. Probabilities are per frame, those of connects per attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Roughness {
    /// A connect is refused.
    pub refuse: Ratio,
    /// A connect gets no answer.
    pub hang: Ratio,
    /// The frame breaks its connection instead of arriving.
    pub reset: Ratio,
    /// How many of those resets both ends are told of; of the others one end, and the other stays half-open.
    pub both: Ratio,
    /// A segment is lost: TCP repeats it after 200 ms, 400 ms, …, each time with this probability in vain, and gives the
    /// connection up after seven times.
    pub stall: Ratio,
    /// A bit flips: the receiver cannot decode what it reads and ends the connection.
    pub corrupt: Ratio,
    /// The frame is written in two parts with some time between them; what kills the sender or the connection in that
    /// time takes the frame with it.
    pub short: Ratio,
    /// Bytes per second of the directed link; 0 = as many as there are.
    pub bandwidth: u64,
    /// How many bytes may be on their way before the sender has to wait.
    pub queue_bytes: u64,
    /// The frame is lost, and later ones arrive (datagrams only).
    pub loss: Ratio,
    /// The frame arrives twice (datagrams only).
    pub duplicate: Ratio,
    /// The frame may overtake and be overtaken (datagrams only).
    pub reorder: Ratio,
}

/// What becomes of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fortune {
    /// It goes its way, later by so much.
    Goes(Span),
    /// It goes its way and no message arrives, but nonsense.
    Corrupt,
    /// Its second part is written after so long.
    Short(Span),
    /// It breaks the connection, as seen by both ends.
    Breaks,
    /// It breaks the connection, as seen by one end: the dialler if the bit is set.
    BreaksOneEnd(bool),
    /// It is lost.
    Lost,
    /// It arrives twice.
    Twice,
    /// It keeps no order.
    Astray,
}

/// What becomes of a connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    Normal,
    Refused,
    Hangs,
}

impl Default for Roughness {
    fn default() -> Self {
        Self::NONE
    }
}

impl Roughness {
    /// Not rough.
    pub const NONE: Self = Self {
        refuse: Ratio::ZERO,
        hang: Ratio::ZERO,
        reset: Ratio::ZERO,
        both: Ratio::new(3, 10),
        stall: Ratio::ZERO,
        corrupt: Ratio::ZERO,
        short: Ratio::ZERO,
        bandwidth: 0,
        queue_bytes: 65_536,
        loss: Ratio::ZERO,
        duplicate: Ratio::ZERO,
        reorder: Ratio::ZERO,
    };

    /// Whether nothing can happen.
    pub fn is_none(&self) -> bool {
        !self.is_datagram()
            && self.bandwidth == 0
            && [
                self.refuse,
                self.hang,
                self.reset,
                self.stall,
                self.corrupt,
                self.short,
            ]
            .iter()
            .all(|ratio| ratio.num == 0)
    }

    /// Whether frames may be lost, doubled or out of order: outside Zab's model.
    pub fn is_datagram(&self) -> bool {
        [self.loss, self.duplicate, self.reorder]
            .iter()
            .any(|ratio| ratio.num > 0)
    }

    /// What a draw makes of a connect.
    pub(super) fn welcome(&self, draw: Draw) -> Welcome {
        if draw.chance(self.refuse) {
            Welcome::Refused
        } else if draw.again().chance(self.hang) {
            Welcome::Hangs
        } else {
            Welcome::Normal
        }
    }

    /// What a draw makes of a frame.
    pub(super) fn fortune(&self, draw: Draw) -> Fortune {
        let mut draw = draw;
        let mut next = || {
            draw = draw.again();
            draw
        };
        if next().chance(self.loss) {
            return Fortune::Lost;
        }
        if next().chance(self.duplicate) {
            return Fortune::Twice;
        }
        if next().chance(self.reorder) {
            return Fortune::Astray;
        }
        let is_reset = next().chance(self.reset);
        let is_seen = next().chance(self.both);
        let end = next();
        if is_reset && is_seen {
            return Fortune::Breaks;
        }
        if is_reset {
            return Fortune::BreaksOneEnd(end.word() & 1 == 0);
        }
        if next().chance(self.corrupt) {
            return Fortune::Corrupt;
        }
        if next().chance(self.short) {
            return Fortune::Short(Span::from_us(next().between(100, PART_GAP_US)));
        }
        self.stalled(next())
    }

    fn stalled(&self, draw: Draw) -> Fortune {
        let (mut draw, mut late) = (draw, Span::ZERO);
        for retry in 0..=RETRIES {
            draw = draw.again();
            if !draw.chance(self.stall) {
                return Fortune::Goes(late);
            }
            late = late + RTO * (1 << retry);
        }
        Fortune::Breaks
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::mix;

    fn count(rough: Roughness, is_it: impl Fn(Fortune) -> bool) -> usize {
        (0..10_000)
            .filter(|word| is_it(rough.fortune(Draw::from_word(mix(*word)))))
            .count()
    }

    type Test = fn(Fortune) -> bool;

    #[test]
    fn each_misfortune_comes_as_often_as_said_and_no_other_does() {
        let none = Roughness::NONE;
        let tenth = Ratio::new(1, 10);
        let cases: [(Roughness, Test); 6] = [
            (
                Roughness {
                    corrupt: tenth,
                    ..none
                },
                |f| f == Fortune::Corrupt,
            ),
            (
                Roughness {
                    loss: tenth,
                    ..none
                },
                |f| f == Fortune::Lost,
            ),
            (
                Roughness {
                    duplicate: tenth,
                    ..none
                },
                |f| f == Fortune::Twice,
            ),
            (
                Roughness {
                    reorder: tenth,
                    ..none
                },
                |f| f == Fortune::Astray,
            ),
            (
                Roughness {
                    short: tenth,
                    ..none
                },
                |f| matches!(f, Fortune::Short(_)),
            ),
            (
                Roughness {
                    reset: tenth,
                    ..none
                },
                |f| matches!(f, Fortune::Breaks | Fortune::BreaksOneEnd(_)),
            ),
        ];
        for (rough, is_it) in cases {
            let found = count(rough, is_it);
            assert!((900..1_100).contains(&found), "{rough:?}: {found}");
            let calm = count(rough, |fortune| fortune == Fortune::Goes(Span::ZERO));
            assert_eq!(calm + found, 10_000);
            assert!(!rough.is_none());
        }
        assert!(Roughness::NONE.is_none());
    }

    #[test]
    fn three_resets_of_ten_are_seen_by_both_ends() {
        let rough = Roughness {
            reset: Ratio::new(1, 1),
            ..Roughness::NONE
        };
        let both = count(rough, |fortune| fortune == Fortune::Breaks);
        assert!((2_800..3_200).contains(&both), "{both}");
        let dialler = count(rough, |fortune| fortune == Fortune::BreaksOneEnd(true));
        assert!((3_300..3_700).contains(&dialler), "{dialler}");
    }

    #[test]
    fn a_lost_segment_is_repeated_after_200_ms_doubling_and_after_seven_times_the_connection_ends()
    {
        let rough = Roughness {
            stall: Ratio::new(1, 2),
            ..Roughness::NONE
        };
        for (late_ms, least, most) in [(0, 4_800, 5_200), (200, 2_300, 2_700), (600, 1_150, 1_350)]
        {
            let found = count(rough, |fortune| {
                fortune == Fortune::Goes(Span::from_ms(late_ms))
            });
            assert!((least..most).contains(&found), "{late_ms} ms: {found}");
        }
        let ended = count(rough, |fortune| fortune == Fortune::Breaks);
        assert!(
            (20..60).contains(&ended),
            "{ended} of 10000, expected 1 in 256"
        );
    }
}
