import { MenuChoice } from '../../lists/Choice';

interface MatrixAxesProps {
  labels: { rows: string; columns: string };
  /** The labels that there are. */
  names: readonly string[];
  onChange(labels: { rows?: string; cols?: string }): void;
}

/** The two labels that a matrix counts by. */
export function MatrixAxes({ labels, names, onChange }: MatrixAxesProps) {
  const options = (prefix: string, chosen: string) =>
    Object.fromEntries([...new Set([chosen, ...names])].map((name) => [name, `${prefix} ${name}`]));
  return (
    <>
      <MenuChoice
        label="Rows"
        value={labels.rows}
        options={options('Rows:', labels.rows)}
        onChange={(rows) => onChange({ rows })}
      />
      <MenuChoice
        label="Columns"
        value={labels.columns}
        options={options('Columns:', labels.columns)}
        onChange={(cols) => onChange({ cols })}
      />
    </>
  );
}
