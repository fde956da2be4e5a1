using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Llasta.Streaming;

/// <summary>
/// The file descriptors of this process. Connections leave the last few of them to the runtime: it needs three at the moment when it starts
/// a thread, and two for each assembly that it loads. A thread that the thread pool can't start ends the process ("Out of memory.").
/// </summary>
/// <remarks>
/// Other servers hold spare descriptors and close them when accepting fails. That would be too late: the connections that were accepted just
/// before make the pool start threads. Native code starts threads without descriptors, but needs them for names, certificates and telemetry.
/// </remarks>
internal static partial class FileDescriptors
{
    /// <summary>How many connections leave free: enough for ten threads that start at the same time.</summary>
    internal const int Spare = 32;

    /// <summary><c>RLIMIT_NOFILE</c> on Linux.</summary>
    private const int NumberOfFiles = 7;

    /// <summary>
    /// The most that the process may open: the soft limit, which .NET has raised to the hard one at start. Null where it is unknown or
    /// unlimited. It is read each time, because it can be changed while the process runs (<c>prlimit</c>).
    /// </summary>
    public static long? Limit() =>
        OperatingSystem.IsLinux() && ReadLimit(NumberOfFiles, out var limit) == 0 && limit.Soft <= long.MaxValue ? (long)limit.Soft : null;

    /// <summary>How many are open; 0 where that is unknown.</summary>
    public static int CountOpen() => OperatingSystem.IsLinux() ? Directory.GetFileSystemEntries("/proc/self/fd").Length : 0;

    /// <summary>
    /// Tells whether a connection takes one of the last descriptors, and must be closed. A new descriptor gets the lowest free number, so all
    /// lower ones are in use.
    /// </summary>
    /// <param name="connection">A connection that has just been opened.</param>
    public static bool IsSpare(Socket connection) => Limit() is { } limit && connection.Handle >= limit - Spare;

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int ReadLimit(int resource, out ResourceLimit limit);

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct ResourceLimit
    {
        public readonly nuint Soft;
        public readonly nuint Hard;
    }
}
