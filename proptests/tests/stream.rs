//! The frames of streamed responses, for any course of events.

use std::num::NonZeroU64;

use apptheory::error::AppError;
use apptheory::stream::{
    Cancel, FrameConfig, FrameData, FrameEnd, FrameInput, FrameMachine, FrameOutput, FrameState,
    Head, Target,
};
use apptheory_proptests::cases;
use proptest::prelude::*;

fn head() -> impl Strategy<Value = Head> {
    let status = prop_oneof![4 => Just(200_u16), 1 => any::<u16>()];
    let value = prop_oneof![4 => "[a-z]{0,4}", 1 => Just("a\r\nb".to_owned())];
    (status, value).prop_map(|(status, value)| {
        let mut head = Head::new(status);
        head.headers.set("x-request-id", value);
        head
    })
}

fn len() -> impl Strategy<Value = usize> {
    prop_oneof![9 => 0..6_usize, 1 => any::<usize>()]
}

fn input() -> impl Strategy<Value = FrameInput> {
    let cancel = prop::sample::select(vec![Cancel::ClientGone, Cancel::Deadline, Cancel::Shutdown]);
    let code = prop::sample::select(vec!["app.conflict", "", " ", "a\nb", "EMPTY_BODY"]);
    prop_oneof![
        2 => (head(), len(), any::<bool>()).prop_map(|(head, prefix_len, has_stream)| {
            FrameInput::Begin { head, prefix_len, has_stream }
        }),
        8 => len().prop_map(|len| FrameInput::Chunk { len }),
        2 => Just(FrameInput::End),
        1 => code.prop_map(|code| FrameInput::Fault(AppError::new(code, "m"))),
        1 => cancel.prop_map(FrameInput::Cancel),
        1 => Just(FrameInput::WriteFailed),
    ]
}

fn inputs() -> impl Strategy<Value = Vec<FrameInput>> {
    let begin = (head(), len()).prop_map(|(head, prefix_len)| FrameInput::Begin {
        head,
        prefix_len,
        has_stream: true,
    });
    (prop::option::weighted(0.8, begin), prop::collection::vec(input(), 0..12))
        .prop_map(|(begin, rest)| begin.into_iter().chain(rest).collect())
}

fn config() -> impl Strategy<Value = FrameConfig> {
    let target = prop::sample::select(vec![Target::FunctionUrl, Target::RestApi]);
    let prelude = prop_oneof![4 => Just(16_384_usize), 1 => 0..200_usize];
    (target, 0..20_u64, prelude).prop_map(|(target, most, max_prelude_bytes)| FrameConfig {
        max_response_bytes: NonZeroU64::new(most),
        max_prelude_bytes,
        ..FrameConfig::new(target)
    })
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn the_invariants_hold_for_any_inputs(config in config(), inputs in inputs()) {
        let mut machine = FrameMachine::new(config.clone());
        let (mut sent, mut error_bytes) = (Vec::new(), None);
        let (mut opened, mut stopped, mut ended, mut outcome) = (0, 0, 0, None);
        for input in inputs {
            let state = machine.state();
            let len = match &input {
                FrameInput::Begin { prefix_len: len, .. } | FrameInput::Chunk { len } => *len,
                FrameInput::End
                | FrameInput::Fault(_)
                | FrameInput::Cancel(_)
                | FrameInput::WriteFailed => usize::MAX,
            };
            let Ok(output) = machine.handle(input) else {
                prop_assert_eq!(machine.state(), state, "a misuse changes nothing");
                continue;
            };
            let nothing = FrameOutput::default();
            prop_assert!(outcome.is_none() || output == nothing, "nothing follows the outcome");
            prop_assert!(ended == 0 || (&output.open, &output.data, &output.end)
                == (&nothing.open, &nothing.data, &nothing.end), "nothing is sent after the end");
            opened += usize::from(output.open.is_some());
            if let Some(data) = output.data {
                prop_assert_eq!(opened, 1, "no data before the head");
                match data {
                    FrameData::Given => sent.push(len as u64),
                    FrameData::Error(bytes) => error_bytes = Some(bytes.len() as u64),
                }
            }
            stopped += usize::from(output.stops_producer);
            ended += usize::from(output.end.is_some());
            if let Some(FrameEnd::Trailers { error_type, .. }) = &output.end {
                prop_assert!(opened == 1 && stopped == 1 && !error_type.is_empty());
            }
            outcome = outcome.or(output.outcome);
        }

        prop_assert!(opened <= 1 && stopped <= 1 && ended <= 1);
        prop_assert_eq!(outcome.is_some(), machine.state() == FrameState::Done);
        let all = || sent.iter().copied().chain(error_bytes);
        if let Some(outcome) = &outcome {
            let bytes = all().fold(0_u64, u64::saturating_add);
            prop_assert_eq!((outcome.chunks, outcome.bytes), (all().count() as u64, bytes));
            prop_assert_eq!(outcome.committed, opened == 1);
            prop_assert_eq!(outcome.refused_code.is_some(), error_bytes.is_some());
        }
        prop_assert!(error_bytes.is_none() || sent.is_empty(), "an error stands alone");
        let most = config.max_response_bytes;
        prop_assert!(most.is_none_or(|most| sent.iter().sum::<u64>() <= most.get()));
    }

    #[test]
    fn the_head_is_frozen_at_begin(head in head(), a in inputs(), b in inputs()) {
        let heads = [a, b].map(|inputs| {
            let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
            let begun = machine.handle(FrameInput::begin(head.clone(), true)).unwrap();
            let later = inputs.into_iter().filter_map(|input| machine.handle(input).ok());
            let outputs: Vec<FrameOutput> = core::iter::once(begun).chain(later).collect();
            let refused = outputs.iter().any(|output| {
                output.outcome.as_ref().is_some_and(|outcome| outcome.refused_code.is_some())
            });
            outputs.into_iter().find_map(|output| output.open).filter(|_| !refused)
        });
        for sent in heads.into_iter().flatten() {
            prop_assert_eq!(sent, head.clone());
        }
    }
}
