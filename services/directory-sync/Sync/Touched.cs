namespace Rollcall.DirectorySync.Sync;

/// <summary>Inside a round, as part of a statement: the users it has something to tell of, as u.</summary>
internal static class Touched
{
    public const string Some = $"(select * from directory_user where client_id = @client and user_id {Is}) u";

    /// <summary>Follows their id. An array is looked up in the index, where a join would read all of a client's users.</summary>
    public const string Is = "= any (array(select user_id from t_touched))";

    /// <summary>After a first round: no need to note each of them.</summary>
    private const string Everybody = "(select * from directory_user where client_id = @client) u";

    /// <summary>Follows a condition, where they are u: of them alone.</summary>
    public const string IsOne = "= any (array(select object_id from u))";

    /// <summary>The same: of their managers.</summary>
    public const string IsManager = "= any (array(select manager_object_id from u))";

    /// <summary>The statement, for all of the client's users.</summary>
    public static string OfEverybody(string sql) =>
        sql.Replace(IsOne, "is not null", StringComparison.Ordinal)
            .Replace(IsManager, "is not null", StringComparison.Ordinal)
            .Replace(Some, Everybody, StringComparison.Ordinal);
}
