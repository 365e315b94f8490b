//! Which fault makes which path rough, and for whom the short way is open.

use super::super::testing::exact;
use super::*;

/// What can be done to the ways of a node, here of node 1.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Cut,
    Dark,
    Mute,
    Rough,
    Flaky,
    Late,
}

fn trouble(weather: &mut Weather, trouble: Trouble, on: bool) {
    let node = NodeId(1);
    match trouble {
        Trouble::Cut => {
            weather.cut(path(1, 2), Form::Silent, on);
        }
        Trouble::Dark => {
            weather.darken(node, on);
        }
        Trouble::Mute => weather.add_mute(node, &["message".into()], Direction::Both, on),
        Trouble::Rough => {
            let rough = Roughness {
                stall: Ratio::new(1, 2),
                ..Roughness::NONE
            };
            weather.add_rough(node, None, rough, 0, on);
        }
        Trouble::Flaky => weather.add_flaky(node, Ratio::new(1, 2), on),
        Trouble::Late => weather.add_delay(node, None, Span::from_ms(5), on),
    }
}

fn path(from: u16, to: u16) -> Path {
    Path {
        from: NodeId(from),
        to: NodeId(to),
        class: LinkClass::Quorum,
    }
}

/// What a message meets when it is sent from 1 to 2, back, and between others, and what when it arrives.
fn tell(weather: &Weather) -> String {
    let paths = [path(1, 2), path(2, 1), path(3, 4)];
    let told = paths.map(|path| {
        let sent = if weather.is_plain(path) { "plain" } else { "-" };
        let arriving = if weather.lets_in(path) { "in" } else { "-" };
        format!("{sent} {arriving}")
    });
    told.join(" | ")
}

#[test]
fn a_message_takes_the_short_way_where_no_fault_concerns_its_path() {
    const FREE: &str = "plain in | plain in | plain in";
    for (what, expected) in [
        // Who sends does not know of a cut; a machine without power takes nothing in.
        (Trouble::Cut, "plain - | plain in | plain in"),
        (Trouble::Dark, "plain in | plain - | plain in"),
        (Trouble::Mute, "plain - | plain - | plain in"),
        (Trouble::Rough, "- in | - in | plain in"),
        (Trouble::Flaky, "- in | - in | plain in"),
        // The short way, too, has the delays that faults add.
        (Trouble::Late, FREE),
    ] {
        let mut weather = Weather::new(Seed(1), &exact(4));
        assert_eq!(tell(&weather), FREE);
        trouble(&mut weather, what, true);
        assert_eq!(tell(&weather), expected, "{what:?}");
        trouble(&mut weather, what, false);
        assert_eq!(tell(&weather), FREE, "{what:?} taken back");
    }
}

#[test]
fn on_rough_links_a_message_is_looked_after_when_it_is_sent() {
    let mut setup = exact(4);
    setup.links[LinkClass::Quorum as usize].rough.stall = Ratio::new(1, 2);
    let mut weather = Weather::new(Seed(1), &setup);
    assert_eq!(tell(&weather), "- in | - in | - in");
    weather.calm();
    assert_eq!(tell(&weather), "plain in | plain in | plain in");
}
