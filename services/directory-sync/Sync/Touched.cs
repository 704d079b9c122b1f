namespace Rollcall.DirectorySync.Sync;

/// <summary>Inside a round, as part of a statement: the users it has something to tell of, as u.</summary>
internal static class Touched
{
    public const string Some = "t_touched t join directory_user u on u.client_id = @client and u.user_id = t.user_id";

    /// <summary>After a first round: no need to note each of them.</summary>
    public const string Everybody = "(select * from directory_user where client_id = @client) u";
}
