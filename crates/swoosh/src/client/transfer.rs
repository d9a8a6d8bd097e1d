//! Sending and receiving.

use super::connect;
use super::deadline::Deadline;
use super::error::ClientError;
use super::stream::{Client, Recv};
use crate::proto::framing::FrameStatus;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use swoosh_os::poll::PollFlags;
use swoosh_os::socket;

impl Client {
    /// Receives at most `max` bytes; none at the end of the stream. Of a datagram, the rest is lost.
    ///
    /// # Errors
    /// If the time limit passes, or the connection or its TLS is broken. With [`Recv::Now`], `EAGAIN` if nothing is there.
    pub fn recv(&mut self, max: usize, how: Recv) -> Result<Vec<u8>, ClientError> {
        let deadline = Deadline::new("receive", self.config.read_timeout);
        if self.config.kind.is_datagram() {
            return self.recv_datagram(max, how, &deadline);
        }
        if how == Recv::Peek && self.tls.is_none() {
            return self.peek(max, &deadline);
        }
        let enough = if how == Recv::All { max } else { 1 };
        while self.buffer.len() < enough && max > 0 {
            let limit = (how != Recv::Now).then_some(&deadline);
            // Reads no more than asked for, because a program may read the socket itself as well.
            if self.fill(max - self.buffer.len(), limit)? == 0 {
                break;
            }
        }
        let count = max.min(self.buffer.len());
        Ok(match how {
            Recv::Peek => self.buffer[..count].to_vec(),
            _ if count == self.buffer.len() => std::mem::take(&mut self.buffer),
            _ => self.buffer.drain(..count).collect(),
        })
    }

    /// Copies what has arrived, at most `max` bytes, and waits if nothing has.
    fn peek(&self, max: usize, deadline: &Deadline) -> Result<Vec<u8>, ClientError> {
        let mut bytes = self.buffer[..max.min(self.buffer.len())].to_vec();
        let mut more = vec![0; max - bytes.len()];
        let fd = self.fd();
        let seen = match bytes.is_empty() {
            true => deadline.retry(fd, PollFlags::POLLIN, || socket::peek(fd, &mut more))?,
            false => socket::peek(fd, &mut more).unwrap_or(0),
        };
        bytes.extend_from_slice(&more[..seen]);
        Ok(bytes)
    }

    fn recv_datagram(&mut self, max: usize, how: Recv, deadline: &Deadline) -> Result<Vec<u8>, ClientError> {
        let mut buffer = vec![0; max];
        let fd = self.fd();
        let mut step = || match how {
            Recv::Peek => socket::peek(fd, &mut buffer).map(|read| (read, None)),
            _ => socket::recv_from(fd, &mut buffer).map(|(read, from)| (read, Some(from))),
        };
        let (read, from) = match how {
            Recv::Now => step().map_err(|e| ClientError::system("receive", e))?,
            _ => deadline.retry(fd, PollFlags::POLLIN, step)?,
        };
        if from.is_some() {
            self.last_sender = from;
        }
        buffer.truncate(read);
        Ok(buffer)
    }

    /// Receives the next packet, as the framing says; empty at the end of the stream. Bytes of an incomplete packet are kept
    /// after a timeout.
    ///
    /// # Errors
    /// Those of [`recv`](Self::recv), and if a packet is too long or malformed: then the connection is of no further use.
    pub fn recv_packet(&mut self) -> Result<Vec<u8>, ClientError> {
        let deadline = Deadline::new("receive", self.config.read_timeout);
        loop {
            if !self.buffer.is_empty()
                && let FrameStatus::Complete(size) =
                    self.framer.next(&self.config.framing, self.config.max_packet, &self.buffer)?
            {
                return Ok(self.buffer.drain(..size).collect());
            }
            if self.fill(CHUNK, Some(&deadline))? == 0 {
                self.buffer.clear();
                self.framer = Default::default();
                return Ok(Vec::new());
            }
        }
    }

    /// Appends received bytes to the buffer; returns their number, 0 at the end of the stream.
    fn fill(&mut self, max: usize, deadline: Option<&Deadline>) -> Result<usize, ClientError> {
        let fd = self.fd();
        if let Some(tls) = &mut self.tls {
            return tls.recv(fd, &mut self.buffer, deadline);
        }
        let mut chunk = vec![0; max.min(CHUNK)];
        let read = match deadline {
            Some(deadline) => deadline.retry(fd, PollFlags::POLLIN, || socket::recv(fd, &mut chunk))?,
            None => socket::recv(fd, &mut chunk).map_err(|e| ClientError::system("receive", e))?,
        };
        self.buffer.extend_from_slice(&chunk[..read]);
        Ok(read)
    }

    /// Sends all bytes of a stream, or one datagram to the peer.
    ///
    /// # Errors
    /// If the time limit passes before all bytes are sent, or the connection is broken. A part may have been sent.
    pub fn send_all(&mut self, data: &[u8]) -> Result<(), ClientError> {
        let deadline = Deadline::new("send", self.config.write_timeout);
        let fd = self.fd();
        if let Some(peer) = &self.peer {
            return deadline.retry(fd, PollFlags::POLLOUT, || self.socket.send_to(data, peer)).map(drop);
        }
        let mut rest = data;
        while !rest.is_empty() {
            let sent = match &mut self.tls {
                Some(tls) => tls.send(fd, rest, &deadline)?,
                None => deadline.retry(fd, PollFlags::POLLOUT, || socket::send(fd, rest))?,
            };
            rest = &rest[sent..];
        }
        Ok(())
    }

    /// Sends what fits into the kernel's buffer without waiting; returns the number of bytes.
    ///
    /// # Errors
    /// `EAGAIN` if nothing fits.
    pub fn send_now(&mut self, data: &[u8]) -> Result<usize, ClientError> {
        let fd = self.fd();
        if let Some(tls) = &mut self.tls {
            let deadline = Deadline::new("send", self.config.write_timeout);
            return tls.send(fd, data, &deadline);
        }
        let sent = match &self.peer {
            Some(peer) => self.socket.send_to(data, peer),
            None => socket::send(fd, data),
        };
        sent.map_err(|e| ClientError::system("send", e))
    }

    /// Sends a byte of urgent data (`MSG_OOB` of send(2)); returns the number of bytes sent.
    ///
    /// # Errors
    /// Those of send(2).
    pub fn send_urgent(&mut self, data: &[u8]) -> Result<usize, ClientError> {
        self.socket.send_out_of_band(data).map_err(|e| ClientError::system("send", e))
    }

    /// Receives the byte of urgent data (`MSG_OOB` of recv(2)).
    ///
    /// # Errors
    /// `EINVAL` if there is none.
    pub fn recv_urgent(&mut self) -> Result<Vec<u8>, ClientError> {
        let mut byte = [0];
        let read = socket::recv_urgent(self.fd(), &mut byte).map_err(|e| ClientError::system("receive", e))?;
        Ok(byte[..read].to_vec())
    }

    /// Sends a datagram to any address.
    ///
    /// # Errors
    /// If the client is not one of datagrams, the host has no address, or the kernel refuses the datagram.
    pub fn send_to(&mut self, host: &str, port: u16, data: &[u8]) -> Result<usize, ClientError> {
        if !self.config.kind.is_datagram() {
            return Err(ClientError::Unsupported("only datagram clients can send to an address"));
        }
        let deadline = Deadline::new("send", self.config.write_timeout);
        let to = connect::addresses(self.config.kind, host, port)?.remove(0);
        deadline.retry(self.fd(), PollFlags::POLLOUT, || self.socket.send_to(data, &to))
    }

    /// Sends the bytes of a file from `offset` to `end`.
    ///
    /// # Errors
    /// Those of [`send_all`](Self::send_all), and `EIO` if the file is shorter. A part may have been sent.
    pub fn send_file(&mut self, file: &File, mut offset: u64, end: u64) -> Result<(), ClientError> {
        if self.config.kind.is_datagram() {
            return Err(ClientError::Unsupported("a file cannot be sent as datagrams"));
        }
        let short = || ClientError::system("send a file", io::Error::from_raw_os_error(libc::EIO));
        if self.tls.is_some() {
            while offset < end {
                let mut chunk = vec![0; CHUNK.min((end - offset) as usize)];
                let read = file.read_at(&mut chunk, offset).map_err(|e| ClientError::system("read the file", e))?;
                if read == 0 {
                    return Err(short());
                }
                self.send_all(&chunk[..read])?;
                offset += read as u64;
            }
            return Ok(());
        }
        let deadline = Deadline::new("send", self.config.write_timeout);
        let fd = self.fd();
        // sendfile(2) has no flag for a single call.
        let _ = self.socket.set_nonblocking(true);
        let mut result = Ok(());
        while offset < end && result.is_ok() {
            let length = usize::try_from(end - offset).unwrap_or(usize::MAX).min(1 << 20);
            let sent = deadline.retry(fd, PollFlags::POLLOUT, || socket::send_file(fd, file, &mut offset, length));
            result = match sent {
                Ok(0) => Err(short()),
                other => other.map(drop),
            };
        }
        let _ = self.socket.set_nonblocking(false);
        result
    }
}

/// The bytes of one read.
const CHUNK: usize = 64 << 10;
