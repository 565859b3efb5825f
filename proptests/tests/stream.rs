//! The frames of streamed responses, whatever happens to them.

use std::num::NonZeroU64;

use apptheory::apptheory_core::error::AppError;
use apptheory::apptheory_core::stream::{
    Cancel, FrameConfig, FrameEffect, FrameInput, FrameMachine, FrameState, Head, Target,
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

fn chunk() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..6)
}

fn input() -> impl Strategy<Value = FrameInput> {
    let cancel = prop::sample::select(vec![Cancel::ClientGone, Cancel::Deadline, Cancel::Shutdown]);
    let code = prop::sample::select(vec!["app.conflict", "", " ", "a\nb", "EMPTY_BODY"]);
    prop_oneof![
        2 => (head(), chunk(), any::<bool>()).prop_map(|(head, prefix, has_stream)| {
            FrameInput::Begin { head, prefix, has_stream }
        }),
        8 => chunk().prop_map(FrameInput::Chunk),
        2 => Just(FrameInput::End),
        1 => code.prop_map(|code| FrameInput::Fault(AppError::new(code, "m"))),
        1 => cancel.prop_map(FrameInput::Cancel),
        2 => Just(FrameInput::WriteOk),
        1 => Just(FrameInput::WriteFailed),
    ]
}

fn inputs() -> impl Strategy<Value = Vec<FrameInput>> {
    let begin = (head(), chunk()).prop_map(|(head, prefix)| FrameInput::Begin {
        head,
        prefix,
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

/// Where an effect may stand among the others.
fn rank(effect: &FrameEffect) -> u8 {
    match effect {
        FrameEffect::Open { .. } => 0,
        FrameEffect::Prelude(_) => 1,
        FrameEffect::Delimiter => 2,
        FrameEffect::Data { .. } => 3,
        FrameEffect::StopProducer => 4,
        FrameEffect::Trailers { .. } => 5,
        FrameEffect::Finish | FrameEffect::Abort => 6,
        FrameEffect::Outcome(_) => 7,
    }
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn the_invariants_hold_for_any_inputs(config in config(), inputs in inputs()) {
        let mut machine = FrameMachine::new(config.clone());
        let mut out = Vec::new();
        let mut offered = Vec::new();
        for input in inputs {
            let (state, before) = (machine.state(), out.len());
            let bytes = match &input {
                FrameInput::Begin { prefix, .. } if !prefix.is_empty() => Some(prefix.clone()),
                FrameInput::Chunk(chunk) => Some(chunk.clone()),
                FrameInput::Begin { .. }
                | FrameInput::End
                | FrameInput::Fault(_)
                | FrameInput::Cancel(_)
                | FrameInput::WriteOk
                | FrameInput::WriteFailed => None,
            };
            let accepted = machine.handle(input, &mut out).is_ok();
            if accepted {
                let sent = out[before..].iter().any(|e| matches!(e, FrameEffect::Data { .. }));
                offered.extend(bytes.filter(|_| sent));
            } else {
                prop_assert_eq!((machine.state(), out.len()), (state, before));
            }
        }

        // Each kind but data at most once, and all in their order: nothing follows the end.
        let ranks: Vec<u8> = out.iter().map(rank).collect();
        prop_assert!(ranks.windows(2).all(|pair| pair[0] < pair[1] || pair == [3, 3]), "{out:?}");
        let outcome = out.iter().find_map(|effect| {
            if let FrameEffect::Outcome(outcome) = effect { Some(outcome) } else { None }
        });
        prop_assert_eq!(outcome.is_some(), machine.state() == FrameState::Done);

        let data: Vec<(u64, &[u8])> = out.iter().filter_map(|effect| {
            let FrameEffect::Data { seq, bytes } = effect else { return None };
            Some((*seq, bytes.as_slice()))
        }).collect();
        prop_assert!(data.iter().zip(0_u64..).all(|((seq, _), at)| *seq == at));
        let committed = ranks.starts_with(&[0, 1, 2]);
        prop_assert!(committed || ranks.iter().all(|rank| matches!(rank, 4 | 6 | 7)));
        for effect in &out {
            if let FrameEffect::Trailers { error_type, .. } = effect {
                prop_assert!(committed && !error_type.is_empty());
            }
        }
        if let Some(outcome) = outcome {
            let sum: usize = data.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!((outcome.chunks, outcome.bytes), (data.len() as u64, sum as u64));
            prop_assert_eq!(outcome.committed, committed);
        }
        if outcome.is_none_or(|outcome| outcome.refused_code.is_none()) {
            let bytes: Vec<u8> = data.iter().flat_map(|(_, bytes)| bytes.to_vec()).collect();
            prop_assert_eq!(data.len(), offered.len());
            prop_assert!(config.max_response_bytes.is_none_or(|most| bytes.len() as u64 <= most.get()));
            prop_assert_eq!(bytes, offered.concat());
        }
    }

    #[test]
    fn the_head_is_frozen_at_begin(head in head(), a in inputs(), b in inputs()) {
        let preludes = [a, b].map(|inputs| {
            let mut machine = FrameMachine::new(FrameConfig::new(Target::FunctionUrl));
            let mut out = Vec::new();
            machine.handle(FrameInput::begin(head.clone(), true), &mut out).unwrap();
            for input in inputs {
                let _ = machine.handle(input, &mut out);
            }
            let refused = out.iter().any(|effect| {
                matches!(effect, FrameEffect::Outcome(outcome) if outcome.refused_code.is_some())
            });
            let prelude = out.into_iter().find_map(|effect| {
                if let FrameEffect::Prelude(bytes) = effect { Some(bytes) } else { None }
            });
            prelude.filter(|_| !refused)
        });
        if let [Some(a), Some(b)] = preludes {
            prop_assert_eq!(a, b);
        }
    }
}
