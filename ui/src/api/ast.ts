/** A query as the tree that `parse_query` answers with. */
export type Ast =
  | { type: 'numberLiteral'; val: string }
  | { type: 'stringLiteral'; val: string }
  | { type: 'parenExpr'; expr: Ast }
  | { type: 'unaryExpr'; op: string; expr: Ast }
  | { type: 'binaryExpr'; op: string; lhs: Ast; rhs: Ast; matching: Matching | null; bool: boolean }
  | { type: 'aggregation'; op: string; expr: Ast; param: Ast | null; grouping: readonly string[]; without: boolean }
  | { type: 'call'; func: { name: string; returnType: ValueType }; args: readonly Ast[] }
  | ({ type: 'vectorSelector' } & Selector)
  | ({ type: 'matrixSelector'; range: number } & Selector)
  | ({ type: 'subquery'; expr: Ast; range: number; step: number } & Shift);

export type ValueType = 'vector' | 'matrix' | 'scalar' | 'string' | 'none';

export interface Matching {
  card: 'one-to-one' | 'many-to-one' | 'one-to-many' | 'many-to-many';
  labels: readonly string[];
  on: boolean;
  include: readonly string[];
  fillValues?: { lhs: number | string | null; rhs: number | string | null };
}

/** When a part of a query looks at. */
export interface Shift {
  /** Milliseconds. */
  offset: number;
  /** Milliseconds. */
  timestamp: number | null;
  startOrEnd: 'start' | 'end' | null;
}

export interface Selector extends Shift {
  name: string;
  matchers: readonly { name: string; value: string; type: '=' | '!=' | '=~' | '!~' }[];
  anchored?: boolean;
  smoothed?: boolean;
}
