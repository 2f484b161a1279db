import {
  InterceptingCall,
  type Interceptor,
  type InterceptorOptions,
  type Listener,
  Metadata,
  status,
} from '@grpc/grpc-js';
import { defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';

/** The retries of a connection's calls, which end with the connection. */
export interface ConnectionRetries {
  readonly interceptors: Interceptor[];
  /** Call it before the connection is closed. */
  end(): void;
}

/**
 * The SDK's own retries, for a connection that may be closed while calls are under way. The SDK tries a call again from a
 * timer, where a closed channel throws with nobody to catch it; here such a call ends as cancelled.
 */
export function retriesUntilClosed(): ConnectionRetries {
  let isClosed = false;
  const known = defaultGrpcRetryOptions();
  const retry = makeGrpcRetryInterceptor({
    ...known,
    retryableDecider: (attempt, result) => !isClosed && known.retryableDecider(attempt, result),
  });
  const stop: Interceptor = (options, nextCall: (options: InterceptorOptions) => Call) =>
    new InterceptingCall(isClosed ? cancelledCall() : nextCall(options));
  return {
    interceptors: [retry, stop],
    end: () => {
      isClosed = true;
    },
  };
}

type Call = ConstructorParameters<typeof InterceptingCall>[0];

/** A call that ends when it begins. */
function cancelledCall(): Call {
  return {
    start: (_metadata, listener?: Partial<Listener>) => {
      const ended = { code: status.CANCELLED, details: 'the connection is closed', metadata: new Metadata() };
      listener?.onReceiveStatus?.(ended, () => {});
    },
    sendMessage: () => {},
    sendMessageWithContext: () => {},
    startRead: () => {},
    halfClose: () => {},
    cancelWithStatus: () => {},
    getPeer: () => '',
    getAuthContext: () => null,
  };
}
