import { connect, isIP, type Socket, type TcpNetConnectOpts } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type SecureContext } from 'node:tls'
import type { Route } from './egress.ts'

/** What all connections of one client share. */
export interface DialSettings {
  /**
   * One buffer for the reads of all sockets, so that a read allocates nothing. Each read is used up before
   * the next one happens anywhere.
   */
  readonly readBuffer: Buffer
  /** Shared because to make one takes milliseconds: it loads all trusted certificates. */
  readonly secureContext: SecureContext
}

/** Calls of one socket while it is being dialled and used. */
export interface DialEvents {
  onReady(): void
  onBytes(bytes: Buffer): void
  /** A ticket with which the next connection needs half a handshake. */
  onSession(session: Buffer): void
}

const probeAfterMs = 30_000

/**
 * Begins a connection, through the route's own lookup. Certificates are always checked, whatever the
 * environment says.
 *
 * Known limit: an upstream that closes without TLS's own end looks the same as one that ends properly, so a
 * body that is ended by the connection's end may be cut unnoticed.
 */
export function dial(
  route: Route,
  settings: DialSettings,
  session: Buffer | null,
  events: DialEvents,
): Socket {
  const { destination, lookup } = route
  const options: TcpNetConnectOpts = {
    host: destination.host,
    port: destination.port,
    lookup,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: probeAfterMs,
    onread: {
      buffer: settings.readBuffer,
      callback(bytesRead) {
        events.onBytes(settings.readBuffer.subarray(0, bytesRead))
        return true
      },
    },
  }
  if (destination.protocol === 'http') return connect(options).once('connect', events.onReady)

  const tlsOptions: ConnectionOptions = {
    secureContext: settings.secureContext,
    servername: isIP(destination.host) === 0 ? destination.host : '',
    ALPNProtocols: ['http/1.1'],
    rejectUnauthorized: true,
    ...(session === null ? {} : { session }),
  }
  const socket = connectTls({ ...options, ...tlsOptions })
  socket.setNoDelay(true)
  return socket.on('session', events.onSession).once('secureConnect', events.onReady)
}
