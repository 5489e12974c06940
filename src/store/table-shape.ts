type ColumnType<Value> = NonNullable<Value> extends string ? 'text' : 'bigint'

/** A table's columns with the type that both databases give them, and the columns of its primary key. */
export interface TableShape<Row> {
  readonly columns: { readonly [Column in keyof Row]-?: ColumnType<Row[Column]> }
  readonly primaryKey: readonly (keyof Row & string)[]
}
