/** An object in the store, named by its content: all of the data that travels through Temporal. */
export interface ArtifactRef {
  readonly key: string;
  /** Lower-case hex. */
  readonly sha256: string;
  readonly bytes: number;
}
