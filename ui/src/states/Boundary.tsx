import { Component, type ReactNode } from 'react';
import { ErrorCard } from './ErrorCard';

interface BoundaryProps {
  /** What failed, for the reader: "This chart", "This page". */
  what: string;
  children: ReactNode;
}

/** Keeps the failure of one part from blanking the page. */
export class Boundary extends Component<BoundaryProps, { error: unknown }> {
  override state = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error('unknown error') };
  }

  override render() {
    const { what, children } = this.props;
    if (this.state.error === undefined) return children;
    const retry = () => this.setState({ error: undefined });
    return <ErrorCard title={`${what} could not be shown`} error={this.state.error} onRetry={retry} />;
  }
}
