//! A byte stream that waits for its peer only so long.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// How long to wait for the peer, by what it owes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// The head of a request that it began, or the HTTP/2 preface.
    pub(super) head: Duration,
    /// Reading what we write.
    pub(super) stall: Duration,
}

/// What the connection waits for. The HTTP side and the byte stream share it: only HTTP knows when a head is
/// complete and a request answered, only the stream knows when bytes come.
#[derive(Clone, Debug)]
pub(super) struct Turn(Arc<AtomicU8>);

impl Turn {
    /// The rest of a head, or the preface.
    const HEAD: u8 = 0;
    /// Us.
    const OURS: u8 = 1;
    /// Another request, as long as HTTP likes; its first byte begins a head.
    const IDLE: u8 = 2;

    /// The head is complete: the rest of the request has deadlines of its own.
    pub(super) fn request_began(&self) {
        self.set(Self::OURS);
    }

    pub(super) fn request_answered(&self) {
        self.set(Self::IDLE);
    }

    fn set(&self, turn: u8) {
        self.0.store(turn, Ordering::Relaxed);
    }

    fn get(&self) -> u8 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
pub(super) struct Patient<IO> {
    io: IO,
    patience: Patience,
    turn: Turn,
    /// Bytes after which the head counts as complete without a word from HTTP; 0 leaves it to HTTP.
    preface_left: usize,
    read: Timer,
    write: Timer,
}

impl<IO> Patient<IO> {
    /// For HTTP/1, which tells by the [`Turn`] where it stands.
    pub(super) fn by_turns(io: IO, patience: Patience) -> (Self, Turn) {
        let patient = Self::new(io, patience, 0);
        let turn = patient.turn.clone();
        (patient, turn)
    }

    /// For HTTP/2: only the first `preface` bytes have a deadline, pings watch over the rest.
    pub(super) fn until_preface(io: IO, patience: Patience, preface: usize) -> Self {
        Self::new(io, patience, preface)
    }

    fn new(io: IO, patience: Patience, preface_left: usize) -> Self {
        let turn = Turn(Arc::new(AtomicU8::new(Turn::HEAD)));
        Self { io, patience, turn, preface_left, read: Timer::default(), write: Timer::default() }
    }

    fn arrived(&mut self, bytes: usize) {
        if self.preface_left > 0 {
            self.preface_left = self.preface_left.saturating_sub(bytes);
            if self.preface_left == 0 {
                self.turn.set(Turn::OURS);
            }
        }
        if self.turn.get() == Turn::IDLE {
            self.turn.set(Turn::HEAD);
            self.read.is_armed = false;
        }
    }

    fn wait_to_read<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if self.turn.get() == Turn::HEAD { self.read.poll(self.patience.head, cx) } else { Poll::Pending }
    }

    fn wait_to_write<T>(&mut self, poll: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        match poll {
            Poll::Ready(result) => {
                self.write.is_armed = false;
                Poll::Ready(result)
            }
            Poll::Pending => self.write.poll(self.patience.stall, cx),
        }
    }
}

/// A deadline that costs nothing until something has to wait, and is reused from wait to wait.
#[derive(Debug, Default)]
struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    is_armed: bool,
}

impl Timer {
    fn poll<T>(&mut self, patience: Duration, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep(patience)));
        if !self.is_armed {
            self.is_armed = true;
            sleep.as_mut().reset(Instant::now() + patience);
        }
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Patient<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        match Pin::new(&mut self.io).poll_read(cx, buf) {
            Poll::Pending => self.wait_to_read(cx),
            ready => {
                self.arrived(buf.filled().len() - before);
                ready
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Patient<IO> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, buf);
        self.wait_to_write(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, bufs);
        self.wait_to_write(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.io).poll_flush(cx);
        self.wait_to_write(flushed, cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
